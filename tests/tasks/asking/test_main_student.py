"""Rounds whose student is the recipe's own, on free text: the judge finds what it got wrong, and that is asked next."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.data.row import prompt_text
from stillhouse.evaluation.evidence import VALIDATION, write_answers, write_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSpec, EvaluateSummary
from stillhouse.skills.cases import read_cases
from tasks import ask_student
from tasks.asking import teach
from tests.support.api.server import Act, Received, answer, serving
from tests.support.asked_rounds import asking_in_rounds
from tests.support.builders import write_recipe
from tests.support.model_folder import write_model_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NUM = 40


def is_hard(question: str) -> bool:
    """Whether the student gets it wrong, as anybody can tell who reads it."""
    return int(question.split()[-1]) % 5 == 0


def says(received: Received) -> Act:
    """The teacher's answers and the judge's scores."""
    if received.body["model"] == "the-judge":
        return answer("1" if "wrong" in received.prompt else "5")
    return answer(f"answer {received.prompt.split()[-1]}")


class FakeStudent:
    """A student that is trained at once and answers in the worker's place; it notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.learnt: list[str] = []

    def train(self, run: Any, base: Any, teachers: Any, rows: Any, dataset: Built[Any], suffix: str) -> Any:
        ref = ArtifactRef(stage="train", fingerprint=f"{dataset.ref.fingerprint}")
        self.learnt.append(suffix)
        if run.store.find(ref.stage, ref.fingerprint) is None:
            with run.store.workspace(ref.stage, 1, ref.fingerprint, {}, {}) as work:
                (work.folder / "weights").write_text("any")
                work.commit({}, {})
        return base.built_as(ModelRole.STUDENT, Built("train", ref, StageSummary(), 1.0, is_cached=False))

    def work(self, call: Any, worker: str, spec: EvaluateSpec, *_: Any) -> EvaluateSummary:
        (candidate,) = spec.candidates
        assert (candidate.role, candidate.is_timed, candidate.answers_validation) == ("student", False, True)
        asked = read_cases(spec.test, spec.skill)
        self.asked.append([prompt_text(row["messages"]) for row in asked])
        write_evidence(Path(spec.out), [_line(row) for row in asked], {ModelRole.STUDENT: {}})
        assert spec.validation
        write_answers(Path(spec.out) / VALIDATION, [_line(row) for row in read_cases(spec.validation, spec.skill)])
        return EvaluateSummary(models=("student",), rows=len(asked))


def _line(row: Any) -> dict[str, Any]:
    question = prompt_text(row["messages"])
    text = "wrong" if is_hard(question) else f"answer {question.split()[-1]}"
    # surer of what it gets wrong: by certainty alone these would come last
    logprob = -0.1 if text == "wrong" else -9.0
    return {"model": "student", "row_id": row["id"], "answer": text, "text": text, "logprob": logprob}


def write_fields(folder: Path, address: str, choose: str) -> str:
    lines = [json.dumps({"text": f"What is number {number}"}) for number in range(NUM)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    test = [json.dumps({"text": f"Which is number {number}", "answer": "x"}) for number in range(1000, 1012)]
    (folder / "test.jsonl").write_text("\n".join(test))
    write_model_folder(folder / "student")
    endpoint = {"provider": "compatible", "base_url": address, "serves": "any", "segment_seconds": 0.2}
    fields = {
        "name": "rounds",
        "skill": {"kind": "qa"},
        "data": {
            "train": {"path": "rows.jsonl", "columns": {"text": "text"}},
            "test": {"path": "test.jsonl", "columns": {"text": "text", "reference": "answer"}},
            "validation_fraction": 0.2,
            "near_duplicate_similarity": None,
            "test_similarity": None,
            "test_run_words": None,
        },
        "teachers": [{"model": "the-teacher", "endpoint": endpoint}],
        "judge": {"model": "the-judge", "endpoint": endpoint, "against": []} if choose == "judged_wrong" else None,
        "student": {"model": str(folder / "student")},
        "filters": {"min_success_ratio": 0.0},
        "evaluation": {"no_teacher_alternatives": False},
        "rounds": {
            **{"count": 2, "first": 0.3, "prompts_per_round": 4, "min_gain": None, "max_similarity": 1.0},
            "choose": choose,
        },
    }
    return write_recipe(folder, fields)


@pytest.mark.parametrize("choose", ["judged_wrong", "unsure"])
def test_rounds_ask_about_what_the_judge_finds_wrong_or_the_student_is_unsure_of(
    choose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    student = FakeStudent()
    monkeypatch.setattr(teach, "train_student", student.train)
    monkeypatch.setattr(ask_student, "run_engine_worker", student.work)
    with serving(says) as server:
        found = asking_in_rounds(write_fields(tmp_path, server.address, choose))
        asked = [one.prompt for one in server.requests if one.body["model"] == "the-teacher"]
        judged = [one for one in server.requests if one.body["model"] == "the-judge"]
    first, second = found["rounds"]["rounds"]
    assert student.learnt == [" round 1", " round 2"]
    pool, validation_alone = student.asked
    assert len(pool) == first["left"]
    assert set(pool).isdisjoint(asked[: first["requests"]])
    # after the last round nothing is to be chosen
    assert len(validation_alone) == found["rounds"]["rows"]
    chosen = asked[first["requests"] :]
    assert len(chosen) == second["prompts"] == 4
    assert set(chosen) <= set(pool)
    assert all(is_hard(one) for one in chosen) if choose == "judged_wrong" else not any(map(is_hard, chosen))
    # what the judge took is a cost of the round that it chose for
    assert len(judged) == (len(pool) if choose == "judged_wrong" else 0)
    assert second["requests"] == 4 + len(judged)
    assert not found["rounds"]["by_references"]
