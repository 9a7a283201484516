"""Each model's answers to the test rows as an artifact of its own: who is asked again, and who is not."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import open_store
from stillhouse.data.turns import write_rows
from stillhouse.errors import WorkerError
from stillhouse.evaluation.evidence import gather_evidence, write_evidence
from stillhouse.evaluation.spec import Candidate, EvaluateSpec, EvaluateSummary
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks import evaluate as stage
from tasks.evaluate import EvaluateParams, evaluate
from tests.support.builders import make_recipe_fields, make_row

ROLES = ("teacher", "baseline_zero_shot", "student", "baseline_untrained")


class Comparison:
    """Evaluations in one store, with a worker that writes answers and notes whom it asked."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings, self.store = settings, open_store(settings.store)
        self.numbers = itertools.count()
        self.asked: list[list[str]] = []
        self.priors: list[tuple[float, ...] | None] = []
        self.fails_after = len(ROLES)
        monkeypatch.setattr(stage, "run_engine_worker", self._work)

    def _work(self, call: Any, worker: str, spec: EvaluateSpec, *_: Any) -> EvaluateSummary:
        self.asked.append([])
        self.priors.append(spec.prior)
        folders = {one.role: Path(spec.answers) / one.role for one in spec.candidates}
        for role, folder in folders.items():
            if folder.exists():
                continue
            if len(self.asked[-1]) == self.fails_after:
                raise WorkerError("the engine died")
            self.asked[-1].append(role)
            folder.mkdir()
            answer = f"{role} of evaluation {len(self.asked)}"
            line = {"model": role, "row_id": "t", "answer": answer, "text": answer}
            write_evidence(folder, [line], {role: {"parameters": 1}})
        gather_evidence(folders, {role: {"latency_ms": None} for role in folders}, Path(spec.out))
        return EvaluateSummary(models=tuple(folders), rows=1)

    def put(self, name: str, fill: Callable[[Path], None]) -> ArtifactRef:
        """Store an artifact of the stage `name` that `fill` writes."""
        ref = ArtifactRef(stage=name, fingerprint=f"{name}-{next(self.numbers)}")
        with self.store.workspace(name, 1, ref.fingerprint, {}, {}) as work:
            fill(work.folder)
            work.commit({})
        return ref

    def inputs(self, student: str = "a", train: str = "x", test: str = "Where is my card?") -> dict[str, ArtifactRef]:
        """Return the artifacts that an evaluation takes."""

        def rows(folder: Path) -> None:
            write_rows(folder / "test.parquet", [make_row("t", "card", text=test)])
            write_rows(folder / "train.parquet", [make_row("x", text=train)])
            for name in ("validation", "examples"):
                write_rows(folder / f"{name}.parquet", [])

        calibration = json.dumps({"prior": None})
        return {
            "split": self.put("split", rows),
            "filter": self.put("filter", lambda folder: _write(folder / "calibration.json", calibration)),
            "student": ArtifactRef(stage="train", fingerprint=student),
            "baseline_untrained": ArtifactRef(stage="initialise", fingerprint="u"),
        }

    def run(
        self,
        inputs: dict[str, ArtifactRef],
        *,
        refresh: bool = False,
        own: dict[str, Any] | None = None,
        **evaluation: Any,
    ) -> dict[str, str]:
        """Return each model's answer to the test row; `own` holds fields of the stage's parameters."""
        params = make_params(Evaluation(metrics=("accuracy",), **evaluation)).model_copy(update=own or {})
        ref = evaluate.task.fn(inputs, params, self.settings, "evaluate", refresh)
        folder = self.store.fetch(ArtifactRef.model_validate(ref))
        return {line["model"]: line["answer"] for line in pq.read_table(folder / "answers.parquet").to_pylist()}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def make_params(settings: Evaluation) -> EvaluateParams:
    recipe = parse_recipe(make_recipe_fields())
    forms = ("teacher", "zero_shot", "student", "student")
    return EvaluateParams(
        teacher=("weights of the teacher",),
        base="weights of the base",
        skill=recipe.skill,
        labels=("card", "loan"),
        settings=settings.model_dump(mode="json"),
        evaluation=settings,
        candidates=tuple(
            Candidate(role=role, path=role, dtype="float32", prompting=form)
            for role, form in zip(ROLES, forms, strict=True)
        ),
        teacher_config=recipe.teacher,
    )


@pytest.fixture
def comparison(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    return Comparison(settings, monkeypatch)


def test_evaluate_another_student_is_asked_alone(comparison: Comparison):
    first = comparison.run(comparison.inputs())
    second = comparison.run(comparison.inputs(student="b"))
    assert comparison.asked == [list(ROLES), ["student"]]
    assert {role for role in first if first[role] != second[role]} == {"student"}


def test_evaluate_champion_that_was_the_student_is_not_asked_again(comparison: Comparison):
    comparison.run(comparison.inputs())
    champion = Candidate(role="champion", path="champion", dtype="float32", prompting="student")
    own = {"candidates": (*make_params(Evaluation(metrics=("accuracy",))).candidates, champion)}
    inputs = comparison.inputs(student="b") | {"champion": ArtifactRef(stage="train", fingerprint="a")}
    answers = comparison.run(inputs, own=own)
    assert comparison.asked[1] == ["student"]
    assert answers["champion"] == "student of evaluation 1"


def test_evaluate_other_training_rows_ask_the_new_student_alone(comparison: Comparison):
    comparison.run(comparison.inputs())
    comparison.run(comparison.inputs(student="b", train="y"))
    assert comparison.asked[1] == ["student"]


@pytest.mark.parametrize("change", [{"max_tokens": 5}, {"concurrency": 3}], ids=str)
def test_evaluate_settings_that_answers_depend_on_ask_all_again(comparison: Comparison, change: dict[str, Any]):
    comparison.run(comparison.inputs())
    comparison.run(comparison.inputs(), **change)
    assert comparison.asked[1] == list(ROLES)


def test_evaluate_other_test_rows_ask_all_again(comparison: Comparison):
    comparison.run(comparison.inputs())
    comparison.run(comparison.inputs(test="Where is my loan?"))
    assert comparison.asked[1] == list(ROLES)


def test_evaluate_settings_of_times_alone_ask_nobody(comparison: Comparison):
    comparison.run(comparison.inputs())
    comparison.run(comparison.inputs(), latency_requests=70)
    assert comparison.asked[1] == []


def test_evaluate_that_failed_halfway_asks_the_others_alone(comparison: Comparison):
    inputs = comparison.inputs()
    comparison.fails_after = 2
    with pytest.raises(WorkerError, match="the engine died"):
        comparison.run(inputs)
    comparison.fails_after = len(ROLES)
    comparison.run(inputs)
    assert comparison.asked == [["teacher", "baseline_zero_shot"], ["student", "baseline_untrained"]]


def test_evaluate_teacher_that_was_tried_is_not_asked_again(comparison: Comparison):
    inputs = comparison.inputs()
    (teacher, *_) = make_params(Evaluation()).candidates
    trial = {"times_teacher": False, "base": None, "candidates": (teacher.model_copy(update={"is_timed": False}),)}
    comparison.run({name: inputs[name] for name in ("split", "filter")}, own=trial)
    comparison.run(inputs)
    assert comparison.asked == [["teacher"], [role for role in ROLES if role != "teacher"]]


@pytest.mark.parametrize(("place", "prior"), [(0, (-1.0, -2.0)), (1, (-3.0, -4.0))])
def test_evaluate_calibrated_teacher_gets_its_own_prior(comparison: Comparison, place: int, prior: tuple[float, ...]):
    text = json.dumps({"prior": [-1.0, -2.0], "other_priors": [[-3.0, -4.0]]})
    inputs = comparison.inputs()
    inputs["filter"] = comparison.put("filter", lambda folder: _write(folder / "calibration.json", text))
    teacher = make_params(Evaluation()).teacher_config.model_copy(update={"calibration": "batch"})
    comparison.run(inputs, own={"teacher_config": teacher, "teacher_index": place})
    assert comparison.priors == [prior]


def test_evaluate_refreshed_asks_all_again(comparison: Comparison):
    inputs = comparison.inputs()
    comparison.run(inputs)
    answers = comparison.run(inputs, refresh=True)
    assert comparison.asked == [list(ROLES)] * 2
    assert answers["teacher"] == "teacher of evaluation 2"
    # and they are the ones that are found from then on
    assert comparison.run(comparison.inputs(student="b"))["teacher"] == "teacher of evaluation 2"


def test_evaluate_summary_names_what_was_found(comparison: Comparison):
    comparison.run(comparison.inputs())
    inputs = comparison.inputs(student="b")
    comparison.run(inputs)
    params = make_params(Evaluation(metrics=("accuracy",)))
    record = comparison.store.record(ArtifactRef(stage="evaluate", fingerprint=evaluate.fingerprint_of(inputs, params)))
    assert set(EvaluateSummary.model_validate(record.summary).found) == set(ROLES) - {"student"}


def test_evaluate_model_artifact_that_is_damaged_is_asked_again(comparison: Comparison):
    comparison.run(comparison.inputs())
    for path in Path(comparison.settings.store.url).glob("artifacts/answers/*/*/answers.parquet"):
        path.write_bytes(b"broken")
    comparison.run(comparison.inputs(student="b"))
    assert comparison.asked[1] == list(ROLES)
