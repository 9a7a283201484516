"""Reads the recipe's sources into rows."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.data.read import VERSION
from stillhouse.data.read import read as read_rows
from stillhouse.data.sources import resolve
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


@stage("read", version=VERSION)
def read(call: StageCall) -> dict[str, Any]:
    """Write rows.parquet and quarantine.jsonl of one source."""
    execution = call.execution
    options = execution["storage_options"]
    return read_rows(
        execution["source"],
        execution["files"],
        call.identity["role"],
        call.work.folder,
        storage_options=options,
        is_dialogue=call.identity.get("is_dialogue", False),
    )


def read_sources(run: Run) -> dict[str, ArtifactRef]:
    """Return the rows of each source by role; keyed by the files' content, not by their names.

    Raises:
        DataError: a source can't be found or read.
    """
    options = run.settings.storage_options
    found: dict[str, ArtifactRef] = {}
    for role in ("train", "examples", "test"):
        source = getattr(run.recipe.data, role)
        if source is None:
            continue
        files = resolve(source, options)
        identity = {
            "role": role,
            "files": [file.sha256 for file in files],
            "format": source.format,
            "columns": source.columns,
            **({"is_dialogue": True} if run.recipe.skill.is_dialogue else {}),
        }
        found[role] = run.build(
            read, {}, identity, label=f"read {role}", source=source, files=files, storage_options=options
        )
    return found
