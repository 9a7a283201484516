"""Which weights a comparison measures."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.ledger import PaidPart
from stillhouse.data.summaries import ValidateSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.recipe.load import parse_recipe
from tasks.balance import Rows
from tasks.evaluate import EvaluateParams, evaluate_models
from tasks.orchestration.student_models import StudentBase
from tests.support.builders import make_built, make_recipe_fields


class Store:
    def fetch(self, ref: ArtifactRef) -> Path:
        return Path("store") / ref.stage / ref.fingerprint


class Run:
    """As much of a run as the stage needs; it notes what it is told to build."""

    def __init__(self) -> None:
        self.recipe = parse_recipe(make_recipe_fields())
        self.store = Store()
        self.ledger: list[PaidPart] = []

    def build(self, stage: Any, inputs: dict[str, ArtifactRef], params: EvaluateParams) -> Built[Any]:
        self.inputs, self.params = inputs, params
        return make_built("evaluate")


@pytest.mark.pitfall("export")
def test_evaluate_models_student_is_the_exported_folder_and_an_input():
    run = Run()
    known = Checkpoint(model=Model(kind="hub", path="owner/model"), path="the/base")
    valid = make_built("validate", ValidateSummary(num_in=0, kept={}, dropped={}, labels=("a", "b")))
    rows = Rows(valid, make_built("split"), make_built("balance"))
    trained, untrained, other = make_built("train"), make_built("initialise"), make_built("other")
    base = StudentBase(ModelRole.STUDENT, run.recipe.main_student, known)
    roles = (ModelRole.STUDENT, ModelRole.BASELINE_UNTRAINED, ModelRole.STUDENT_LABELLED_ONLY)
    models = [base.built_as(role, built) for role, built in zip(roles, (trained, untrained, other), strict=True)]
    evaluate_models(run, rows, make_built("filter"), known, base, models)
    paths = {candidate.role: candidate.path for candidate in run.params.candidates}
    # the very folder that a user loads: what export did to the weights is in what is measured
    assert paths["student"] == str(run.store.fetch(trained.ref))
    assert paths["baseline_untrained"] == str(run.store.fetch(untrained.ref))
    assert paths["baseline_zero_shot"] == "the/base"
    assert run.inputs["student"] == trained.ref
