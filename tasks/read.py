"""Reads the recipe's sources into rows."""

from typing import Annotated, Any

from stillhouse.artifacts.handle import Built
from stillhouse.data.quarantine import check_quarantined, log_forms, log_ignored_keys
from stillhouse.data.sources import SourceFile, resolve
from stillhouse.data.summaries import ReadSummary
from stillhouse.recipe.data import Role, Source
from tasks.orchestration.params import Execution, IfSet, Params, only
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class ReadParams(Params):
    """One source: its files' content, and how rows are read from it."""

    role: Role
    source: Annotated[Source, only("format", "encoding", "delimiter", "columns")]
    files: tuple[str, ...]  # SHA-256 of each
    is_dialogue: IfSet[bool] = False
    no_answer: IfSet[str] = ""
    locations: Execution[tuple[SourceFile, ...]]
    storage_options: Execution[dict[str, Any] | None]


@stage("read", version=3)
def read(call: StageCall[ReadParams]) -> ReadSummary:
    """Write rows.parquet and quarantine.jsonl of one source."""
    # imported here: a run that finds its artifact need not wait for readers of every format
    from stillhouse.data.read import read as write_rows

    params = call.params
    return write_rows(
        params.source,
        params.locations,
        params.role,
        call.work.folder,
        storage_options=params.storage_options,
        is_dialogue=params.is_dialogue,
        no_answer=params.no_answer,
    )


def read_sources(run: Run) -> dict[Role, Built[ReadSummary]]:
    """Return the rows of each source by role; they are keyed by the files' content, not by their names.

    Raises:
        DataError: a source can't be found or read, or more of its lines are quarantined than the recipe allows.
    """
    options = run.settings.storage_options
    sources: dict[Role, Built[ReadSummary]] = {}
    for role, source in run.recipe.data.sources.items():
        files = resolve(source, options)
        params = ReadParams(
            role=role,
            source=source,
            files=tuple(file.sha256 for file in files),
            is_dialogue=run.recipe.skill.is_dialogue,
            no_answer=run.recipe.skill.empty_reference,
            locations=files,
            storage_options=options,
        )
        built = run.build(read, {}, params, label=f"read {role}")
        paths = (source.path,) if isinstance(source.path, str) else source.path
        log_forms(built.summary, paths)
        log_ignored_keys(built.summary, role)
        if built.summary.quarantined:
            # after the stage, so that the quarantined lines are kept and a higher limit reads nothing again
            kept_at = run.store.path(built.ref, "quarantine.jsonl")
            check_quarantined(built.summary, role, run.recipe.data.max_quarantined, kept_at, paths)
        sources[role] = built
    return sources
