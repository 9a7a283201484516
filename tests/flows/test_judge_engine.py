"""`stillhouse run` with a judge on the real engine: the demo's small model, whose opinion is worth little."""

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]

RECIPES = ROOT / "deployments" / "recipes"


def written(pipeline: Pipeline) -> Pipeline:
    """Write the shipped conversation recipe trained for a few steps, and the teacher's own model as judge."""
    fields = yaml.safe_load((RECIPES / "conversation.yaml").read_text())
    for role in ("train", "examples", "test"):
        fields["data"][role]["path"] = str(RECIPES / fields["data"][role]["path"])
    fields["teachers"][0] |= {"model": str(MODEL), "sampling": {"max_tokens": 40}}
    fields["student"] |= {"model": str(MODEL)}
    fields["training"] |= {"max_steps": 4}
    fields["evaluation"] = {"max_tokens": 40, "no_teacher_alternatives": False}
    # all that it can read, however little it likes them
    fields["filters"] = {"min_success_ratio": 0.0, "min_judge_score": 1}
    fields["judge"] = {"model": str(MODEL), "licence": "Apache-2.0"}
    (pipeline.folder / "recipe.yaml").write_text(yaml.safe_dump(fields))
    return pipeline


def test_judge_on_the_engine_scores_and_compares_in_the_form_it_is_held_to(tmp_path):
    made = written(Pipeline(tmp_path))
    report = made.run()
    judge = report["judge"]
    # held to A, B, C and to 1 to 5: whatever it thinks can be read
    assert judge["scored"]["scored"] == judge["scored"]["questions"]["generated"] > 8
    assert judge["scored"]["unreadable"] == 0
    assert "judge" not in report["filter"]["dropped"]
    assert set(judge["against"]) == {"teacher", "baseline"}
    for versus in judge["against"].values():
        assert versus["win"]["n"] == report["data"]["test"] == 8
        assert versus["win"]["value"] + versus["tie"]["value"] + versus["loss"]["value"] == pytest.approx(1.0)
        assert versus["unreadable"] == 0
        assert 0 < versus["asked"] <= 8
    assert judge["questions"]["generated"] <= 2 * sum(versus["asked"] for versus in judge["against"].values())
    assert any(note.startswith("the judge is the teacher") for note in judge["notes"])
    assert any(note.startswith("the judge is the student's base") for note in judge["notes"])

    keys = made.stored_keys()
    again = made.run("--refresh", "judge", "--refresh", "judge_pairs")
    assert (again["judge"]["scored"]["questions"]["generated"], again["judge"]["questions"]["generated"]) == (0, 0)
    assert again["judge"]["against"] == judge["against"]
    assert made.stored_keys() == keys
    assert len(set(keys)) == len(keys)
