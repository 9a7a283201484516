"""Which rows go to which of several teachers, as far as the answers known by now can tell.

Separate because a run knows it only when the teachers before have answered everything, and a plan must say it earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stillhouse.completions.table import Lines
from stillhouse.costs.forecast import Range, exact_range, forecast_share
from stillhouse.data.row import Row
from stillhouse.filters.unanswered import routing_filters, unanswered_rows
from stillhouse.planning.probe_result import ProbeResult, completions_of, lines_of, merged
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS

_NONE = exact_range(0.0)


@dataclass(frozen=True)
class RoutedRows:
    """The rows of one teacher."""

    sure: frozenset[str]
    # those that a teacher before has yet to answer; `share` of them will come here, None where nothing tells
    open: frozenset[str] = frozenset()
    share: Range | None = _NONE


def forecast_routing(
    known: Sequence[ProbeResult],
    lines: Sequence[Lines],
    sides: Sequence[Sequence[Row]],
    recipe: Recipe,
    labels: Sequence[str],
) -> list[RoutedRows]:
    """Return the rows of each teacher.

    Args:
        known: teacher by teacher, what would be asked; where answers decide, every row for each of them.
        lines: teacher by teacher, the answers known, by row id.
        sides: the rows with an answer: those for training, and the others.
        recipe: its routing and filters decide.
        labels: those that an answer may be.
    """
    if recipe.routing.kind in BY_ANSWERS:
        return _in_turn(len(known), _rows(known[0]), lines, sides, recipe, labels)
    return [RoutedRows(_rows(one)) for one in known]


def next_rows(
    known: Sequence[ProbeResult], sides: Sequence[Sequence[Row]], recipe: Recipe, labels: Sequence[str]
) -> list[str]:
    """Return the ids of the rows that all teachers of `known` have answered and the next one is to be asked, sorted."""
    lines = lines_of(known)
    if recipe.routing.kind in BY_ANSWERS:
        return sorted(_in_turn(len(known) + 1, _rows(known[0]), lines, sides, recipe, labels)[-1].sure)
    return sorted(frozenset[str].intersection(*(frozenset(some) for some in lines)))


def _rows(known: ProbeResult) -> frozenset[str]:
    return frozenset(row_id for row_id, _, _ in known.lessons.places)


def _in_turn(
    num_teachers: int,
    rows: frozenset[str],
    lines: Sequence[Lines],
    sides: Sequence[Sequence[Row]],
    recipe: Recipe,
    labels: Sequence[str],
) -> list[RoutedRows]:
    """Return the rows of each teacher where one is asked what those before it did not serve."""
    rules = routing_filters(recipe.filters, must_verify=recipe.routing.kind == "first_verified")
    found = [RoutedRows(rows)]
    for place in range(1, num_teachers):
        before = found[-1]
        told = before.sure & lines[place - 1].keys()
        heard = merged(lines[:place], [reach.sure for reach in found])
        judged = [row for side in sides for row in side if row["id"] in told]
        completions = completions_of(heard, sides[0], recipe, labels)
        sure = frozenset(unanswered_rows(judged, completions, rules, recipe.skill, labels))
        waiting = before.open | (before.sure - told)
        found.append(RoutedRows(sure, waiting, _share(len(sure), len(rows) - len(waiting), len(waiting))))
    return found


def _share(num_sure: int, num_known: int, num_open: int) -> Range | None:
    if not num_open:
        return _NONE
    number = forecast_share(num_sure, num_known, num_open)
    return number.times(1 / num_open) if number else None
