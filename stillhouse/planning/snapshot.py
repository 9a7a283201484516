"""What the teachers have said by the time of a plan: who is asked what, and which rows have all of their answers.

Separate because the judge of a plan is shown the same answers as its filters.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stillhouse.completions.table import Lines
from stillhouse.data.row import Row
from stillhouse.planning.probe_result import ProbeResult, lines_of, merged
from stillhouse.planning.routing_forecast import RoutedRows, forecast_routing
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.cases import read_cases


@dataclass(frozen=True)
class AnswerSnapshot:
    """The teachers' answers known; the first three teacher by teacher."""

    known: Sequence[ProbeResult]
    lines: Sequence[Lines]
    reach: Sequence[RoutedRows]
    sides: Sequence[Sequence[Row]]  # the rows with an answer: those for training, and the others

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """How often each row is asked: one that balancing repeats stands there as often."""
        found: dict[str, int] = {}
        for one in self.known:
            found |= Counter(row_id for row_id, index, _ in one.lessons.places if index == 0)
        return found

    @cached_property
    def lacking(self) -> Mapping[str, int | None]:
        """The place of the first teacher whose answer each row lacks; None for a row with all of its answers."""
        # what is open for a later teacher surely goes to one before that has not answered it
        return {
            row_id: next(
                (place for place, to in enumerate(self.reach) if row_id in to.sure and row_id not in self.lines[place]),
                None,
            )
            for row_id in self.rows
        }

    @cached_property
    def used(self) -> Lines:
        """The answers of each row's own teachers: one may have answered rows that no longer go to it."""
        return merged(self.lines, [one.sure for one in self.reach])

    def probed(self, place: int) -> set[str]:
        """Return the rows that the teacher at `place` was asked for the forecast."""
        asked = set(self.known[place].probed)
        return {row_id for row_id, _, key in self.known[place].lessons.places if key in asked}

    @property
    def sampled(self) -> set[str]:
        """The rows of any teacher's probe that have all of their answers."""
        probed = {row_id for place in range(len(self.known)) for row_id in self.probed(place)}
        return {row_id for row_id in probed if self.lacking[row_id] is None}


def take_snapshot(
    known: Sequence[ProbeResult], balance: Path, split: Path, recipe: Recipe, labels: Sequence[str]
) -> AnswerSnapshot:
    """Return what the teachers have said; `balance` and `split` are folders of artifacts."""
    lines = lines_of(known)
    answered = {row_id for some in lines for row_id in some}
    sides = [
        [row for row in read_cases(table, recipe.skill) if row["id"] in answered]
        for table in (balance / "train.parquet", split / "validation.parquet")
    ]
    return AnswerSnapshot(known, lines, forecast_routing(known, lines, sides, recipe, labels), sides)
