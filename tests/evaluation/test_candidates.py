"""Which weights a comparison measures."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.config import identity
from stillhouse.costs.ledger import PaidPart
from stillhouse.data.summaries import ValidateSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.recipe.load import parse_recipe
from tasks.balance import Rows
from tasks.evaluate import EvaluateParams, evaluate_models
from tasks.orchestration.compared_teacher import ComparedTeacher
from tasks.orchestration.student_models import StudentBase
from tests.support.builders import make_built, make_recipe_fields


class Store:
    def fetch(self, ref: ArtifactRef) -> Path:
        return Path("store") / ref.stage / ref.fingerprint


class Run:
    """As much of a run as the stage needs; it notes what it is told to build."""

    def __init__(self, **fields: Any) -> None:
        self.recipe = parse_recipe(make_recipe_fields(**fields))
        self.store = Store()
        self.ledger: list[PaidPart] = []

    def build(self, stage: Any, inputs: dict[str, ArtifactRef], params: EvaluateParams, **_: Any) -> Built[Any]:
        self.inputs, self.params = inputs, params
        return make_built("evaluate")


@pytest.mark.pitfall("export")
def test_evaluate_models_student_is_the_exported_folder_and_an_input():
    run = Run()
    trained, untrained, other = make_built("train"), make_built("initialise"), make_built("other")
    measure(run, trained, untrained, other)
    paths = {candidate.role: candidate.path for candidate in run.params.candidates}
    # the very folder that a user loads: what export did to the weights is in what is measured
    assert paths["student"] == str(run.store.fetch(trained.ref))
    assert paths["baseline_untrained"] == str(run.store.fetch(untrained.ref))
    assert paths["baseline_zero_shot"] == "the/base"
    assert run.inputs["student"] == trained.ref


@pytest.mark.parametrize(
    ("has_own", "metric", "answering"),
    [
        (False, "accuracy", {"student"}),
        (True, "accuracy", {"student", "teacher"}),
        # no row by itself is right or wrong, so no threshold is chosen
        (True, "macro_f1", {"student"}),
    ],
)
def test_evaluate_models_teacher_answers_validation_rows_with_labels_of_their_own(
    has_own: bool, metric: str, answering: set[str]
):
    content = make_recipe_fields()
    own = content["data"] | {"validation": content["data"]["train"]}
    run = Run(data=own if has_own else content["data"], evaluation={"metrics": [metric]})
    measure(run, *(make_built(name) for name in ("train", "initialise", "other")))
    assert {one.role for one in run.params.candidates if one.answers_validation} == answering
    # an evaluation without them keeps the fingerprint that it had
    assert ("teacher_validates" in identity(run.params)) is ("teacher" in answering)


def test_evaluate_models_teacher_runs_on_its_own_devices():
    fields = make_recipe_fields()
    fields["teachers"][0]["engine"] = {"tensor_parallel": 4, "max_num_seqs": 7, "mode": "eager"}
    run, plain = Run(teachers=fields["teachers"]), Run()
    for one in (run, plain):
        measure(one, *(make_built(name) for name in ("train", "initialise", "other")))
    engines = {candidate.role: candidate.engine for candidate in run.params.candidates}
    assert {role: engine.num_gpus for role, engine in engines.items()} == dict.fromkeys(engines, 1) | {"teacher": 4}
    # all else is the same for all, or the models could not be compared
    assert {(engine.mode, engine.max_num_seqs) for engine in engines.values()} == {("auto", 0)}
    # what is measured on four devices is another measurement; on one it is named as before there was a choice
    assert identity(run.params)["teacher_engine"]["tensor_parallel"] == 4
    assert "teacher_engine" not in identity(plain.params)


def test_evaluate_models_teacher_that_is_not_timed_needs_no_engine_once_it_has_answered():
    run, plain = Run(evaluation={"time_teacher": False}), Run()
    for one in (run, plain):
        measure(one, *(make_built(name) for name in ("train", "initialise", "other")))
    # the worker starts an engine for those alone that are timed or have not answered
    assert {one.role for one in run.params.candidates if not one.is_timed} == {"teacher", "student_labelled_only"}
    assert identity(run.params)["times_teacher"] is False
    assert "times_teacher" not in identity(plain.params)


def measure(run: Run, *trained: Built[Any]) -> None:
    known = Checkpoint(model=Model(kind="hub", path="owner/model"), path="the/base")
    valid = make_built("validate", ValidateSummary(num_in=0, kept={}, dropped={}, labels=("a", "b")))
    rows = Rows(valid, make_built("split"), make_built("balance"))
    base = StudentBase(ModelRole.STUDENT, run.recipe.main_student, known)
    roles = (ModelRole.STUDENT, ModelRole.BASELINE_UNTRAINED, ModelRole.STUDENT_LABELLED_ONLY)
    models = [base.built_as(role, built) for role, built in zip(roles, trained, strict=True)]
    evaluate_models(run, rows, make_built("filter"), ComparedTeacher(run.recipe, known, None), base, models)
