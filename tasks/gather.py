"""Joins the answers of all rounds so far into one table."""

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import ArtifactRef, StageSummary
from stillhouse.dataset.asked import write_asked
from stillhouse.rounds.answers import gathered
from stillhouse.teachers.spec import read_row_ids
from tasks.asking.asked import asked_before, before
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class GatherParams(Params):
    """Whether the later rounds are drawn at random too, so that all of them stand for all prompts."""

    all_drawn: bool


class GatherSummary(StageSummary):
    """Completions in the table, and prompts that were asked."""

    answers: int
    prompts: int


@stage("gather", version=1)
def gather(call: StageCall[GatherParams]) -> GatherSummary:
    """Write completions.parquet of all rounds so far, asked.parquet and drawn.parquet with the ids of their prompts."""
    num = sum(name.startswith("answers_") for name in call.inputs)
    tables = [call.folder(f"answers_{number}") / "completions.parquet" for number in range(1, num + 1)]
    completions, asked = gathered(tables), asked_before(call)
    pq.write_table(completions, call.work.folder / "completions.parquet")
    drawn = asked if call.params.all_drawn else read_row_ids(call.folder("asked_1") / "prompts.parquet")
    write_asked(call.work.folder, asked, drawn)
    return GatherSummary(answers=len(completions), prompts=len(asked))


def gather_answers(run: Run, asked: list[ArtifactRef], answers: list[ArtifactRef]) -> ArtifactRef:
    """Return the answers of all rounds so far as one artifact, in the order in which they were asked."""
    assert run.recipe.rounds is not None, "only rounds are gathered"
    inputs = {**before(asked), **{f"answers_{number}": ref for number, ref in enumerate(answers, start=1)}}
    params = GatherParams(all_drawn=run.recipe.rounds.choose == "random")
    return run.build(gather, inputs, params, label=f"gather round {len(asked)}").ref
