"""Has every teacher of the recipe complete its prompts, and joins the completions of several into one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.rounds.result import Rounded
from tasks.balance import Rows
from tasks.generate import generate_with
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.route import mixed_completions, route_prompts


class MixSummary(StageSummary):
    """Completions in the table, and the numbers (from 1) of the teachers that gave them."""

    answers: int
    teachers: tuple[int, ...]


@dataclass(frozen=True)
class Completions:
    """The completions of all teachers as one artifact, and what was requested of each teacher."""

    ref: ArtifactRef
    # by number from 1, in the order in which they were asked; a teacher without prompts is not there
    by_teacher: Mapping[int, Sequence[Built[GenerationSummary]]]
    rounds: Rounded | None = None  # what came of each round; None: all was asked at once


@stage("mix", version=1)
def mix(call: StageCall[Params]) -> MixSummary:
    """Write completions.parquet, each completion with the number of its teacher."""
    completions = mixed_completions(call)
    pq.write_table(completions, call.work.folder / "completions.parquet")
    return MixSummary(
        answers=len(completions), teachers=tuple(sorted(int(name.removeprefix("answers_")) for name in call.inputs))
    )


def generate_completions(run: Run, checkpoints: list[Checkpoint], rows: Rows) -> Completions:
    """Return the completions of all teachers, each for the prompts that the recipe routes to it; a single one for all.

    Raises:
        DataError: the rows lack what the routing needs.
    """
    if len(checkpoints) == 1:
        single = generate_with(run, 0, checkpoints[0], rows)
        return Completions(single.ref, {1: [single]})
    by_teacher: dict[int, Built[GenerationSummary]] = {}
    for index, checkpoint in enumerate(checkpoints):
        routed = route_prompts(run, index, by_teacher, rows)
        # a teacher without prompts is not started: an engine takes half a minute
        if routed is None or routed.summary.routed:
            by_teacher[index + 1] = generate_with(run, index, checkpoint, rows, routed.ref if routed else None)
    inputs = {f"answers_{number}": built.ref for number, built in by_teacher.items()}
    return Completions(run.build(mix, inputs, Params()).ref, {number: [built] for number, built in by_teacher.items()})
