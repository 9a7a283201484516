"""Which stages a recipe that learns logits has, and what they are named by: no stage is built."""

from pathlib import Path
from typing import Any

from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields, make_routed_fields
from tests.support.dry_run import dry_distill

SMALL = {"name": "small", "model": "owner/small-1B"}
LARGE = {"name": "large", "model": "owner/large-70B"}


def built(folder: Path, *teachers: dict[str, Any], **logits: Any) -> dict[str, str]:
    """The fingerprints of the stages, by label."""
    data = {}
    for role in ("train", "examples", "test"):
        (folder / f"{role}.jsonl").write_text(f'{{"text": "{role}"}}\n')
        columns = {"text": "text"} if role == "train" else {"text": "text", "reference": "answer"}
        data[role] = {"path": str(folder / f"{role}.jsonl"), "columns": columns}
    kind = {"kind": "logits", "logits": logits} if logits else {}
    training = {"learning_rate": 5e-4, **kind}
    make = make_routed_fields if len(teachers) > 1 else make_recipe_fields
    fields = make(*teachers, skill={"kind": "qa"}, training=training, evaluation={"encoder": None})
    run = dry_distill(parse_recipe(fields | {"data": data}))
    return {one.label: one.ref.fingerprint for one in run.built}


def test_recipe_without_logits_has_no_draws(tmp_path: Path) -> None:
    assert "draw" not in built(tmp_path, SMALL)


def test_likeliest_tokens_ask_the_teacher_anew_and_draw_nothing(tmp_path: Path) -> None:
    plain, likeliest = built(tmp_path, SMALL), built(tmp_path, SMALL, k=12)
    assert "draw" not in likeliest
    assert all(plain[name] != likeliest[name] for name in ("generate", "filter", "train"))
    # they ask for the same log-probabilities, and learn them in another way
    warmer = built(tmp_path, SMALL, k=12, temperature=2.0)
    assert [name for name in ("generate", "filter", "train") if likeliest[name] != warmer[name]] == ["train"]


def test_draws_are_a_stage_between_completions_and_training_examples(tmp_path: Path) -> None:
    plain, drawn, warmer = (
        built(tmp_path, SMALL),
        built(tmp_path, SMALL, draws=12),
        built(tmp_path, SMALL, draws=12, temperature=2.0),
    )
    assert drawn["generate"] == plain["generate"]
    assert drawn["filter"] != plain["filter"]
    assert all(drawn[name] != warmer[name] for name in ("draw", "filter", "train"))


def test_each_of_several_teachers_draws_its_own(tmp_path: Path) -> None:
    found = built(tmp_path, SMALL, LARGE, draws=12)
    assert found["draw small"] != found["draw large"]


def test_student_on_the_labelled_rows_alone_learns_no_logits(tmp_path: Path) -> None:
    likeliest, warmer = built(tmp_path, SMALL, draws=12), built(tmp_path, SMALL, draws=12, weight=0.25)
    assert likeliest["train labelled-only"] == warmer["train labelled-only"]
    assert likeliest["train"] != warmer["train"]
