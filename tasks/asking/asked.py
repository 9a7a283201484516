"""The prompts of earlier rounds as inputs of a stage."""

from collections.abc import Sequence
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.teachers.spec import read_row_ids
from tasks.orchestration.stage import StageCall

_ASKED = "asked_"


def before(asked: Sequence[ArtifactRef]) -> dict[str, ArtifactRef]:
    """Return the artifacts with the prompts of earlier rounds, by names of inputs: asked_1 and so on."""
    return {f"{_ASKED}{number}": ref for number, ref in enumerate(asked, start=1)}


def asked_before(call: StageCall[Any]) -> frozenset[str]:
    """Return the ids of all prompts that earlier rounds asked; none in the first."""
    folders = [call.folder(name) for name in call.inputs if name.startswith(_ASKED)]
    return frozenset[str]().union(*(read_row_ids(folder / "prompts.parquet") for folder in folders))
