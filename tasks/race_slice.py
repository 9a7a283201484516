"""Draws the rows of one slice of a race."""

from dataclasses import dataclass, replace

from stillhouse.artifacts.handle import Built
from stillhouse.racing.slices import SliceSummary, write_slice
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class RaceSliceParams(Params):
    """How many prompts are drawn, by which seed, and which rows a teacher answers."""

    skill: AnySkill
    prompts: int
    seed: int
    skip_labelled: bool


@stage("race_slice", version=1)
def race_slice(call: StageCall[RaceSliceParams]) -> SliceSummary:
    """Write train.parquet with some prompts, prompts.parquet, and test.parquet: the validation rows with references."""
    params = call.params
    train, split = call.folder("balance") / "train.parquet", call.folder("split")
    return write_slice(
        train, split, params.skill, params.prompts, params.seed, call.work.folder, skip_labelled=params.skip_labelled
    )


@dataclass(frozen=True)
class SliceRows(Rows):
    """The rows of a slice: to the stages after the split they are a run's, with the validation rows as test rows."""

    drawn: Built[SliceSummary]


def draw_slice(run: Run, rows: Rows, prompts: int, seed: int) -> SliceRows:
    """Return a slice of the training prompts with the validation rows that students are compared on.

    Raises:
        DataError: too few validation rows have a reference, or no prompt is there to ask.
    """
    recipe = run.recipe
    params = RaceSliceParams(
        skill=recipe.skill, prompts=prompts, seed=seed, skip_labelled=recipe.training.use_references
    )
    drawn = run.build(race_slice, rows.inputs, params, label=f"race_slice {prompts}")
    splits, train = replace(rows.splits, ref=drawn.ref), replace(rows.train, ref=drawn.ref)
    return SliceRows(rows.valid, splits, train, drawn)
