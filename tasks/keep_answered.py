"""Keeps, of a round that the budget ended, the prompts that the teacher has answered: these are paid for."""

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.teachers.spec import write_row_ids
from tasks.balance import Rows
from tasks.generate import generation_params
from tasks.orchestration.params import Params
from tasks.orchestration.probes import read_probes
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.probe import ProbeParams, probe


class KeepAnsweredParams(Params):
    """The prompts: what is answered depends on when the budget was spent, and on nothing that is made before."""

    row_ids: tuple[str, ...]


class KeepAnsweredSummary(StageSummary):
    """Prompts that have all of their answers."""

    kept: int


@stage("keep_answered", version=1)
def keep_answered(call: StageCall[KeepAnsweredParams]) -> KeepAnsweredSummary:
    """Write prompts.parquet, the ids of the prompts of a round that are answered."""
    write_row_ids(call.params.row_ids, call.work.folder)
    return KeepAnsweredSummary(kept=len(call.params.row_ids))


def answered_of(
    run: Run, checkpoint: Checkpoint, rows: Rows, chosen: ArtifactRef, suffix: str
) -> Built[KeepAnsweredSummary]:
    """Return those of a round's prompts whose answers are all stored; nothing is requested."""
    params = generation_params(run, 0, checkpoint, rows, ProbeParams, prompts=0, with_test=False)
    inputs = {**rows.inputs, **checkpoint.inputs, "routed": chosen}
    listed = run.build(probe, inputs, params, label=f"list{suffix}")
    (found,) = read_probes(run, [checkpoint], [listed])
    kept = KeepAnsweredParams(row_ids=tuple(sorted(found.completed)))
    return run.build(keep_answered, {"chosen": chosen}, kept, label=f"keep_answered{suffix}")
