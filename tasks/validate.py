"""Drops rows that no stage can use, each with its reason."""

from collections.abc import Mapping
from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.data.validate import VERSION
from stillhouse.data.validate import validate as write_valid_rows
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

_RULES = {"max_prompt_chars", "near_duplicate_threshold", "conflicting_labels", "personal_data", "languages"}


@stage("validate", version=VERSION)
def validate(call: StageCall) -> dict[str, Any]:
    """Write the rows of all sources that pass, and the dropped ones."""
    folders = {role: call.folder(role) for role in call.inputs}
    return write_valid_rows(folders, call.execution["data"], call.execution["skill"], call.work.folder)


def validate_rows(run: Run, sources: Mapping[str, ArtifactRef]) -> ArtifactRef:
    """Return the rows of all sources that pass every rule."""
    data, skill = run.recipe.data, run.recipe.skill
    identity = {"rules": data.model_dump(include=_RULES), "kind": skill.kind, "labels": skill.known_labels}
    return run.build(validate, sources, identity, data=data, skill=skill)
