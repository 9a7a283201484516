"""Finds the prompts of earlier rounds of which the filters kept no answer, to ask them again with more samples."""

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.rounds.failed import failed_prompts
from stillhouse.teachers.spec import read_row_ids, write_row_ids
from tasks.asking.asked import asked_before, before
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class ChooseFailedSummary(StageSummary):
    """Prompts to ask again."""

    failed: int


@stage("choose_failed", version=1)
def choose_failed(call: StageCall[Params]) -> ChooseFailedSummary:
    """Write prompts.parquet, the ids of the prompts without a kept answer that were not asked again yet."""
    again = [name for name in call.inputs if name.startswith("again_")]
    tried = frozenset[str]().union(*(read_row_ids(call.folder(name) / "prompts.parquet") for name in again))
    answered = pq.read_table(call.folder("generate") / "completions.parquet", columns=["row_id"])["row_id"].to_pylist()
    asked = asked_before(call) - tried
    failed = failed_prompts(call.folder("filter"), [one for one in answered if one in asked])
    write_row_ids(failed, call.work.folder)
    return ChooseFailedSummary(failed=len(failed))


def failed_of(
    run: Run,
    completions: ArtifactRef,
    dataset: Built[FilterSummary],
    asked: list[ArtifactRef],
    again: list[ArtifactRef],
) -> Built[ChooseFailedSummary]:
    """Return the prompts that failed so far; those `again` names were asked a second time already."""
    tried = {f"again_{number}": ref for number, ref in enumerate(again, start=1)}
    inputs = {"generate": completions, "filter": dataset.ref, **before(asked), **tried}
    return run.build(choose_failed, inputs, Params(), label=f"choose_failed round {len(asked) + 1}")
