"""Which weights a comparison measures."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.recipe.load import parse_recipe
from tasks.evaluate import evaluate_models
from tests.support.builders import make_recipe_fields


class Store:
    def fetch(self, ref: ArtifactRef) -> Path:
        return Path("store") / ref.stage / ref.fingerprint


class Run:
    """As much of a run as the stage needs; it notes what it is told to build."""

    def __init__(self) -> None:
        self.recipe = parse_recipe(make_recipe_fields())
        self.store = Store()
        self.built: dict[str, Any] = {}

    def summary(self, label: str) -> dict[str, Any]:
        return {"labels": ["a", "b"]}

    def build(self, stage: Any, inputs: dict[str, ArtifactRef], identity: Any, **execution: Any) -> ArtifactRef:
        self.built = {"inputs": inputs, **execution}
        return inputs["split"]


def ref(stage: str) -> ArtifactRef:
    return ArtifactRef(stage=stage, fingerprint=stage[0] * 64)


@pytest.mark.peers("export")
def test_evaluate_models_student_is_the_exported_folder_and_an_input():
    run = Run()
    known = Checkpoint(model=Model(kind="hub", path="owner/model"), path="the/base")
    refs = {name: ref(name) for name in ("split", "filter", "train", "initialise", "other")}
    evaluate_models(run, refs["split"], refs["filter"], known, known, refs["train"], refs["initialise"], refs["other"])
    paths = {candidate.role: candidate.path for candidate in run.built["candidates"]}
    # the very folder that a user loads: what export did to the weights is in what is measured
    assert paths["student"] == str(run.store.fetch(refs["train"]))
    assert paths["baseline_untrained"] == str(run.store.fetch(refs["initialise"]))
    assert paths["baseline_zero_shot"] == "the/base"
    assert run.built["inputs"]["student"] == refs["train"]
