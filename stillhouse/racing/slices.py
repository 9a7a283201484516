"""Writes the rows of one slice of a race: some training prompts, and the validation rows that answers are known of."""

from collections.abc import Sequence
from pathlib import Path

from stillhouse.artifacts.handle import StageSummary
from stillhouse.data.row import Row
from stillhouse.data.turns import read_rows, stream_rows, write_rows
from stillhouse.errors import DataError
from stillhouse.racing.halves import in_order
from stillhouse.skills.cases import is_asked, read_cases
from stillhouse.skills.skill import Skill
from stillhouse.teachers.spec import write_row_ids

FEWEST_GOLD = 20  # validation rows; fewer tell nothing apart


class SliceSummary(StageSummary):
    """Prompts in the slice, prompts there are in all, and validation rows with a reference."""

    prompts: int
    available: int
    gold: int


def write_slice(
    train: Path, split: Path, skill: Skill, num_prompts: int, seed: int, out: Path, *, skip_labelled: bool
) -> SliceSummary:
    """Write train.parquet, validation.parquet, test.parquet, examples.parquet and prompts.parquet into `out`.

    They stand for a run's rows: `train` holds the prompts of the slice and all rows that no teacher is asked about,
    `validation` is empty, since a race asks nobody about it, and `test` holds the validation rows with a reference.
    A larger slice of the same seed has all prompts of a smaller one. No test row is read.

    Raises:
        DataError: fewer than 20 validation rows have a reference, or no prompt is there to ask.
    """
    validation = read_rows(split / "validation.parquet")
    gold = [row for row in validation if _has_reference(row, skill)]
    # read twice, since there may be millions, of which the slice has hundreds
    asked = [row["id"] for row in stream_rows(train) if _is_asked(row, skill, skip_labelled)]
    if len(gold) < FEWEST_GOLD:
        raise DataError(
            f"{len(gold)} of {len(validation)} validation rows have a reference, and a race compares students on at "
            f"least {FEWEST_GOLD}: name a file of labelled rows in data.validation."
        )
    if not asked:
        raise DataError("No training prompt is left to ask a teacher about: add rows without a label to data.train.")
    chosen = set(in_order(asked, seed, "slice")[:num_prompts])
    of_slice = [row for row in stream_rows(train) if row["id"] in chosen or not _is_asked(row, skill, skip_labelled)]
    _write(out / "train.parquet", of_slice)
    _write(out / "validation.parquet", [])
    _write(out / "test.parquet", gold)
    _write(out / "examples.parquet", read_rows(split / "examples.parquet"))
    prompts = [case["id"] for row in of_slice for case in skill.cases(row) if is_asked(case, skip_labelled)]
    write_row_ids(list(dict.fromkeys(prompts)), out)
    return SliceSummary(prompts=len(set(prompts)), available=len(set(asked)), gold=len(gold))


def read_gold(slice_folder: Path, skill: Skill) -> list[Row]:
    """Return the validation rows with a reference, as the skill's cases, from the folder of a slice."""
    return [case for case in read_cases(slice_folder / "test.parquet", skill) if case["references"]]


def _has_reference(row: Row, skill: Skill) -> bool:
    return any(case["references"] for case in skill.cases(row))


def _is_asked(row: Row, skill: Skill, skip_labelled: bool) -> bool:
    return any(is_asked(case, skip_labelled) for case in skill.cases(row))


def _write(path: Path, rows: Sequence[Row]) -> None:
    write_rows(path, [dict(row) for row in rows])
