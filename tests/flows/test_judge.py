"""Training examples that a judge chose, and a judge's verdicts on answers to test rows, in Prefect: no engine."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from prefect import flow

from stillhouse.errors import RecipeError, ServiceError
from stillhouse.evaluation.evidence import write_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.judging.pairs import outcome_of
from stillhouse.judging.scores import read_scores
from stillhouse.recipe.judge import VERDICTS
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from tasks.convert import load_judge, load_teachers
from tasks.judge_pairs import compare_pairs
from tasks.orchestration.params import Params
from tasks.orchestration.preflight import start_run
from tasks.orchestration.stage import StageCall, stage
from tasks.reporting.blocks import judge_report
from tests.support.api.requests import KEY
from tests.support.api.server import Act, Received, answer, failure, serving
from tests.support.generation.engine_python import EnginePython
from tests.support.judged_recipe import prompts_to, scoring, write_judged_recipe, write_local_model
from tests.support.paths import ROOT
from tests.support.scripted_judge import always_first, longer, shown
from tests.support.stages import prepare_rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

SMALL = Model(kind="hub", path="owner/student")
MODELS = ("student", "teacher", "baseline_untrained", "baseline_zero_shot")


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    for name, value in {"OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))


class MeasuredParams(Params):
    skill: AnySkill


@stage("evaluate", version=99)
def measured(call: StageCall[MeasuredParams]) -> EvaluateSummary:
    """What measuring leaves: one model writes long answers, one short ones, one nothing for the first row."""
    rows = read_cases(call.folder("split") / "test.parquet", call.params.skill)
    said = []
    for number, row in enumerate(rows):
        texts = {"student": "quite a long answer", "teacher": "short", "baseline_untrained": None}
        texts["baseline_zero_shot"] = row["references"][0] if number else "quite a long answer"
        said += [{"model": name, "row_id": row["id"], "answer": texts[name], "text": texts[name]} for name in MODELS]
    write_evidence(call.work.folder, said, {name: {} for name in MODELS})
    return EvaluateSummary(models=MODELS, rows=len(rows))


@flow(name="judging", persist_result=False)
def judging(recipe: str, *refresh: str) -> dict[str, Any]:
    with start_run(load_recipe(recipe), load_settings(), refresh) as run:
        rows = prepare_rows(run)
        evaluation = run.build(measured, {"split": rows.splits.ref}, MeasuredParams(skill=run.recipe.skill))
        judge = load_judge(run)
        pairs = compare_pairs(run, judge, rows, [evaluation], ModelRole.STUDENT)
        assert judge
        assert pairs
        related = {"teacher": load_teachers(run), "student's base": [Checkpoint(model=SMALL, path="")]}
        return {
            "report": judge_report(run, judge, related, None, pairs),
            "lines": pq.read_table(run.store.path(pairs.ref, "pairs.parquet")).to_pylist(),
            "cached": pairs.is_cached,
            **pairs.summary.to_record(),
        }


def is_about_a_pair(received: Received) -> bool:
    return "answer A" in shown(received.body["messages"])


def said_by(received: Received, opinion: Any) -> Act:
    """The judge's verdict in the form it is held to."""
    parts = shown(received.body["messages"])
    schema = received.body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["A", "B", "C"]
    return answer(json.dumps({"answer": opinion(parts["answer A"], parts["answer B"])}))


def teacher_and_judge(received: Received) -> Act:
    """A teacher whose every second answer is poor, and a judge that knows; it can't read one of them."""
    if received.body["model"] == "the-teacher":
        size = sum(len(turn["content"]) for turn in received.body["messages"])
        return answer(f"Gladly, this is a {'poor' if size % 2 else 'good'} answer number {received.number}.")
    text = shown(received.body["messages"])["answer"]
    if text.endswith(" number 3."):
        return answer("I would not like to say")
    return answer('{"answer": "1"}' if "poor" in text else '{"answer": "4"}')


def two_samples_and_judge(received: Received) -> Act:
    """A teacher of whose two samples of a prompt one is poor, and a judge that knows."""
    if received.body["model"] == "the-teacher":
        return answer(f"Gladly, this is a {'poor' if received.body['seed'] % 2 else 'good'} answer to it.")
    text = shown(received.body["messages"])["answer"]
    return answer('{"answer": "1"}' if "poor" in text else '{"answer": "4"}')


def test_judge_decides_the_pairs_of_a_second_step(tmp_path):
    training = {"preferences": {"pairs": {"by": "judge", "least": 2}}, "use_references": False}
    with serving(two_samples_and_judge) as server:
        recipe = write_judged_recipe(tmp_path, server.address, training=training)
        fields = yaml.safe_load(Path(recipe).read_text())
        fields["teachers"][0]["sampling"] = {"n": 2, "temperature": 0.7, "seed": 4}
        fields["judge"]["accept_terms"] = "openai"
        Path(recipe).write_text(yaml.safe_dump(fields))
        found = scoring(recipe)
    counts = found["filter"]["preferences"]
    lines = [json.loads(line) for line in (Path(found["dataset"]) / "preferences.jsonl").open()]
    assert counts["pairs"] == len(lines) == counts["prompts"] - sum(counts["left_out"].values())
    assert counts["pairs"] >= 2
    for line in lines:
        assert "good" in line["chosen"][0]["content"]
        assert "poor" in line["rejected"][0]["content"]
        assert line["scores"] == [4.0, 1.0]


def test_judge_scores_each_completion_once_and_the_filter_keeps_the_good_ones(tmp_path):
    with serving(teacher_and_judge) as server:
        recipe = write_judged_recipe(
            tmp_path, server.address, {"against": []}, filters={"min_success_ratio": 0.0, "min_judge_score": 3}
        )
        # it chooses what is learnt, under terms that forbid that
        with pytest.raises(RecipeError, match=r"judge\.accept_terms: openai"):
            load_recipe(recipe)
        fields = yaml.safe_load(Path(recipe).read_text())
        fields["judge"]["accept_terms"] = "openai"
        Path(recipe).write_text(yaml.safe_dump(fields))

        first = scoring(recipe)
        taught, judged = prompts_to(server, "the-teacher"), prompts_to(server, "the-judge")
        assert len(taught) == len(judged) == first["judge"]["requests"] == first["judge"]["generated"] > 8
        assert max(Counter(judged).values()) == 1
        assert first["judge"]["prompt_tokens"] == 11 * len(judged)

        again = scoring(recipe)
        assert again["fingerprint"] == first["fingerprint"]
        rebuilt = scoring(recipe, "judge", "filter")
        assert (rebuilt["judge"]["from_store"], rebuilt["judge"]["generated"]) == (len(judged), 0)
        assert len(server.requests) == len(taught) + len(judged)

    scores = read_scores(Path(first["scores"]) / "scores.parquet")
    assert Counter(scores.values())[None] == first["judge"]["unreadable"] == 1
    kept = [json.loads(line) for line in (Path(first["dataset"]) / "train.jsonl").read_text().splitlines()]
    completions = [line["completion"][0]["content"] for line in kept]
    chosen = [text for text in completions if "answer number" in text]
    assert chosen
    assert all("good" in text and not text.endswith(" number 3.") for text in chosen)
    assert first["filter"]["dropped"] == {"judge": len(scores) - len(chosen)}
    assert len(chosen) == sum(score == 4 for score in scores.values())
    # the one it could not score stands in the middle, and cost no other row
    assert first["filter"]["kept"] == len(chosen)


def test_recipe_whose_judge_only_evaluates_has_no_stage_before_the_filter(tmp_path):
    with serving(teacher_and_judge) as server:
        with_judge = scoring(write_judged_recipe(tmp_path, server.address))
        without = scoring(write_judged_recipe(tmp_path, server.address, **{"judge": None}))
        assert "judge" not in with_judge["stages"]
        assert not prompts_to(server, "the-judge")
    assert with_judge["fingerprint"] == without["fingerprint"]
    assert with_judge["stages"] == without["stages"]


def test_judge_that_prefers_the_longer_answer_sees_both_orders_once(tmp_path):
    with serving(lambda received: said_by(received, longer)) as server:
        recipe = write_judged_recipe(tmp_path, server.address)
        found = judging(recipe)
        pairs = len(found["lines"])
        assert found["against"] == {"teacher": "teacher", "baseline": "baseline_zero_shot"}
        # against the baseline the first row is equal, and needs no judge
        assert len(server.requests) == found["requests"] == 2 * (pairs - 1)
        cached = judging(recipe)
        assert cached["cached"]
        again = judging(recipe, "judge_pairs")
        assert (again["from_store"], again["generated"]) == (found["requests"], 0)
        assert again["lines"] == found["lines"]
        assert len(server.requests) == found["requests"]
    versus = found["report"]["against"]
    assert cached["report"]["against"] == versus
    took = [one["report"]["questions"] for one in (found, cached)]
    assert [one["generated"] for one in took] == [found["requests"], 0]
    assert [one["from_store"] for one in took] == [0, found["requests"]]
    teacher, baseline = versus["teacher"], versus["baseline"]
    assert teacher["win"]["value"] == 1.0
    assert (teacher["agreement"], teacher["first_position"], teacher["longer_wins"]) == (1.0, 0.5, 1.0)
    assert baseline["loss"]["value"] == pytest.approx(1 - 1 / (pairs / 2))
    assert outcome_of(found["lines"][pairs // 2]) == "tie"


def test_judge_that_prefers_the_first_position_ties_all_and_is_reported(tmp_path):
    with serving(lambda received: said_by(received, always_first)) as server:
        recipe = write_judged_recipe(tmp_path, server.address, {"against": ["teacher"], "model": "the-teacher"})
        found = judging(recipe)
    versus = found["report"]["against"]["teacher"]
    assert versus["tie"]["value"] == 1.0
    assert (versus["agreement"], versus["first_position"], versus["unreadable"]) == (0.0, 1.0, 0)
    notes = found["report"]["notes"]
    assert [note for note in notes if note.startswith("the judge is the teacher")]
    assert [note for note in notes if "depend on the order" in note]
    assert not [note for note in notes if "student's base" in note]


def test_judge_that_stops_responding_ends_the_stage_and_keeps_its_verdicts(tmp_path):
    def plan(received: Received) -> Act:
        return said_by(received, longer) if received.number < 6 else failure(402, "Insufficient Balance")

    with serving(plan) as server:
        recipe = write_judged_recipe(tmp_path, server.address, {"against": ["teacher"]})
        fields = yaml.safe_load(Path(recipe).read_text())
        fields["judge"]["endpoint"]["concurrency"] = 1
        Path(recipe).write_text(yaml.safe_dump(fields))
        with pytest.raises(ServiceError, match=r"judge_pairs: openai .* nothing left to spend"):
            judging(recipe)
        before = len(server.requests)
        server.plan = lambda received: said_by(received, longer)
        found = judging(recipe)
        assert found["from_store"] == 6
        assert len(server.requests) == before + found["generated"]


def test_judge_on_a_local_engine_is_constrained_to_its_verdicts_and_runs_once(tmp_path, monkeypatch):
    engine = EnginePython(tmp_path / "engine", "engine")
    monkeypatch.setenv("STILLHOUSE_ENGINE_PYTHON", str(engine.path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    recipe = write_judged_recipe(
        tmp_path, "http://127.0.0.1:9/v1", {"model": write_local_model(tmp_path), "endpoint": None}
    )
    found = judging(recipe)
    assert len(engine.prompts) == found["generated"] == found["requests"] == 2 * (len(found["lines"]) - 1)
    verdicts = {line[order] for line in found["lines"] if line["asked"] for order in ("first", "second")}
    assert verdicts == set(VERDICTS)
    again = judging(recipe, "judge_pairs")
    assert (again["from_store"], again["lines"]) == (found["requests"], found["lines"])
    assert len(engine.prompts) == found["requests"]


def test_run_without_the_judges_key_ends_before_anything_is_read(tmp_path):
    with serving(teacher_and_judge) as server:
        endpoint = {"provider": "openai", "base_url": server.address, "api_key_env": "OTHER_API_KEY"}
        with pytest.raises(RecipeError, match="OTHER_API_KEY is not set"):
            judging(write_judged_recipe(tmp_path, server.address, {"endpoint": endpoint}))
        assert not server.requests
    assert not (tmp_path / "store" / "artifacts").exists()
