"""All that a plan is made of, read once: probes, stored completions, and which row goes to which teacher."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stillhouse.completions.completion import Completion
from stillhouse.completions.table import Lines
from stillhouse.costs.forecast import Range, exact_range, forecast_share
from stillhouse.data.row import Messages, Row
from stillhouse.filters.unanswered import routing_filters, unanswered_rows
from stillhouse.judging.scores import score_questions
from stillhouse.judging.verdicts import read_score
from stillhouse.planning.probe_result import ProbeResult, lines_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.skills.cases import read_cases
from stillhouse.teachers.calibration import calibrated_completions, label_priors, teacher_index_of

_NONE = exact_range(0.0)


@dataclass(frozen=True)
class RoutedRows:
    """The ids of one teacher's rows."""

    sure: frozenset[str]
    open: frozenset[str] = frozenset()  # an earlier teacher has yet to answer them
    share: Range | None = _NONE  # of `open` that will reach this teacher; None if nothing tells


@dataclass(frozen=True)
class PlanInputs:
    """`probes`, `lines` and `routed` have one entry per teacher."""

    recipe: Recipe
    labels: Sequence[str]
    probes: Sequence[ProbeResult]
    lines: Sequence[Lines]  # stored completions by row id, for rows that have all of a teacher's
    splits: Sequence[Sequence[Row]]  # training and validation rows that have a completion
    judge_probe: ProbeResult | None = None  # None unless a judge's scores choose what the student learns

    @cached_property
    def routed(self) -> Sequence[RoutedRows]:
        """Which rows each teacher is asked. If completions decide, each probe lists every row."""
        if self.recipe.routing.kind in BY_ANSWERS:
            return self._route_in_turn(len(self.probes))
        return [RoutedRows(frozenset(probe.requests.rows)) for probe in self.probes]

    def next_rows(self) -> list[str]:
        """Return the ids of the rows that all teachers of `probes` have answered and the next one is asked, sorted."""
        if self.recipe.routing.kind in BY_ANSWERS:
            return sorted(self._route_in_turn(len(self.probes) + 1)[-1].sure)
        return sorted(frozenset[str].intersection(*map(frozenset, self.lines)))

    def _route_in_turn(self, num_teachers: int) -> list[RoutedRows]:
        """Return the rows of the first `num_teachers` teachers if each gets what those before it fail."""
        recipe, rows = self.recipe, frozenset(self.probes[0].requests.rows)
        rules = routing_filters(recipe.filters, must_verify=recipe.routing.kind == "first_verified")
        routed = [RoutedRows(rows)]
        for index, lines in enumerate(self.lines[: num_teachers - 1]):
            before = routed[-1]
            done = before.sure & lines.keys()
            judged = [row for split in self.splits for row in split if row["id"] in done]
            completions = self.completions_of(_merged(self.lines[: index + 1], routed))
            sure = frozenset(unanswered_rows(judged, completions, rules, recipe.skill, self.labels))
            waiting = before.open | (before.sure - done)
            share = forecast_share(len(sure), len(rows) - len(waiting), len(waiting))
            routed.append(RoutedRows(sure, waiting, share.times(1 / len(waiting)) if share and waiting else share))
        return routed

    def completions_of(self, lines: Lines) -> dict[str, list[Completion]]:
        """Return the lines as completions by row id, calibrated by the training rows among them."""
        train = self.splits[0]
        present = {teacher_index_of(line) for row in train for line in lines.get(row["id"], ())}
        kinds = [one.calibration if index in present else "none" for index, one in enumerate(self.recipe.teachers)]
        return calibrated_completions(lines, label_priors(kinds, train, lines), self.labels)

    @cached_property
    def used_lines(self) -> Lines:
        """The completions of each row's own teachers; others may have answered it for another recipe."""
        return _merged(self.lines, self.routed)

    @cached_property
    def num_repeats(self) -> Mapping[str, int]:
        """How often each row is asked: more than once if balancing repeats it."""
        rows = {row_id: keys for probe in self.probes for row_id, keys in probe.requests.rows.items()}
        return {row_id: keys.count(keys[0]) for row_id, keys in rows.items()}

    @cached_property
    def first_lacking(self) -> Mapping[str, int | None]:
        """Per row, the index of the first teacher without a completion.

        It is len(teachers) if only a judge's score is missing, and None if the row is complete.
        """
        lines = self.used_lines
        questions = self.judge_probe.requests.rows if self.judge_probe else {}
        unscored = {key for key in questions if key not in self.scores}
        lacking: dict[str, int | None] = dict.fromkeys(self.num_repeats)
        for row_id in lacking:
            if any(line["key"] in unscored for line in lines.get(row_id, ())):
                lacking[row_id] = len(self.probes)
        # a row that is open for a later teacher surely goes to an earlier one that has not answered it
        for index in reversed(range(len(self.probes))):
            lacking |= dict.fromkeys(self.routed[index].sure - self.lines[index].keys(), index)
        return lacking

    @cached_property
    def sampled_rows(self) -> set[str]:
        """The probed rows of any teacher that have all of their completions."""
        probed = {row_id for probe in self.probes for row_id in probe.probed_rows}
        return {row_id for row_id in probed if self.first_lacking[row_id] in (None, len(self.probes))}

    @property
    def sampled_keys(self) -> set[str]:
        """The keys of the completions of `sampled_rows`."""
        return {line["key"] for row_id in self.sampled_rows for line in self.used_lines.get(row_id, ())}

    @cached_property
    def scores(self) -> Mapping[str, int | None]:
        """The judge's scores by completion key; None if its reply names none."""
        (lines,) = lines_of([self.judge_probe]) if self.judge_probe else ({},)
        return {key: read_score(reply["text"]) for key, (reply,) in lines.items()}

    def score_questions(self) -> dict[str, Messages]:
        """Return a question to the judge about each stored completion, by completion key."""
        assert self.recipe.judge, "a recipe without a judge has no questions"
        rows = [row for split in self.splits for row in split]
        lines = [line for own in self.lines for completions in own.values() for line in completions]
        return score_questions(rows, lines, self.recipe.judge, self.recipe.skill, self.labels)


def read_inputs(
    probes: Sequence[ProbeResult],
    recipe: Recipe,
    labels: Sequence[str],
    balance: Path,
    split: Path,
    judge_probe: ProbeResult | None = None,
) -> PlanInputs:
    """Return the inputs of a plan; `probes` has one entry per teacher, `balance` and `split` are artifact folders."""
    lines = lines_of(probes)
    done = {row_id for own in lines for row_id in own}
    splits = [
        [row for row in read_cases(table, recipe.skill) if row["id"] in done]
        for table in (balance / "train.parquet", split / "validation.parquet")
    ]
    return PlanInputs(recipe, labels, probes, lines, splits, judge_probe)


def _merged(lines: Sequence[Lines], routed: Sequence[RoutedRows]) -> Lines:
    """Return all teachers' lines by row id, of each teacher for its own rows only."""
    merged: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for own, rows in zip(lines, routed, strict=True):
        for row_id, completions in own.items():
            if row_id in rows.sure:
                merged[row_id] += completions
    return dict(merged)
