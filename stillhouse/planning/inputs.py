"""All that a plan is made of: probes, stored completions, and which row goes to which teacher."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from stillhouse.completions.completion import Completion
from stillhouse.completions.table import Lines
from stillhouse.data.row import Row
from stillhouse.filters.unanswered import routing_filters, unanswered_rows
from stillhouse.planning.model_memory import ModelMemory
from stillhouse.planning.rounds import prompts_of_rounds
from stillhouse.planning.training_memory import TrainingMemory
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.students.compatibility import Compatibility
from stillhouse.teachers.calibration import calibrated_completions, label_priors, teacher_index_of
from stillhouse.teachers.probe_result import ProbeResult, RowIds


class HeldOut(NamedTuple):
    """How many test rows there are, and the number of the gate's next look at them."""

    number: int
    look: int


@dataclass(frozen=True)
class PlanInputs:
    """What a plan is made of; `probes` has one entry per teacher."""

    recipe: Recipe
    labels: Sequence[str]
    probes: Sequence[ProbeResult]
    splits: Sequence[Sequence[Row]]  # training and validation rows
    judge_probe: ProbeResult | None = None  # None unless a judge's scores choose what the student learns
    memory: tuple[ModelMemory, ...] = ()
    training: tuple[TrainingMemory, ...] = ()
    compatibility: tuple[Compatibility, ...] = ()
    test_rows: HeldOut | None = None  # None: not known
    is_offline: bool = False  # no model was asked, and sizes of prompts are bytes

    @property
    def rows(self) -> list[Row]:
        """The rows of both splits."""
        return [row for split in self.splits for row in split]

    @cached_property
    def routed(self) -> Sequence[tuple[RowIds, RowIds]]:
        """The rows that surely go to each teacher, and those that may: an earlier teacher lacks them."""
        recipe, probes, waiting = self.recipe, self.probes, RowIds()
        if recipe.rounds:
            return [(prompts_of_rounds(recipe, recipe.rounds, self.splits), waiting)]
        if recipe.routing.kind not in BY_ANSWERS:
            return [(frozenset(probe.rows), waiting) for probe in probes]
        rules = routing_filters(recipe.filters, must_verify=recipe.routing.kind == "first_verified")
        routed = [(frozenset(probes[0].rows), waiting)]  # each probe lists every row
        for probe in probes[:-1]:
            sure, waiting = routed[-1]
            completed = sure & probe.completed
            rows = [row for row in self.rows if row["id"] in completed]
            completions = self.completions_of(self.lines_of(routed))
            next_rows = unanswered_rows(rows, completions, rules, recipe.skill, self.labels)
            routed.append((frozenset(next_rows), waiting | (sure - completed)))
        return routed

    @cached_property
    def lacking(self) -> Sequence[RowIds]:
        """Per teacher, the rows whose first missing completion is the teacher's; last, those that lack only a score."""
        lacking: list[RowIds] = []
        for probe, (sure, _) in zip(self.probes, self.routed, strict=True):
            lacking.append((sure - probe.completed).difference(*lacking))
        unscored = self.judge_probe.rows.keys() - self.judge_probe.completed if self.judge_probe else set()
        rows = (row_id for row_id, lines in self.used_lines.items() if any(one["key"] in unscored for one in lines))
        return [*lacking, frozenset(rows).difference(*lacking)]

    @property
    def sampled_keys(self) -> set[str]:
        """The keys of the completions of the probed rows that have all of theirs."""
        probed = RowIds().union(*(probe.probed for probe in self.probes))
        sampled = probed.difference(*self.lacking[:-1])
        return {line["key"] for row_id in sampled for line in self.used_lines.get(row_id, ())}

    def lines_of(self, routed: Sequence[tuple[RowIds, RowIds]]) -> Lines:
        """Return the lines of the table of completions by row id, of the first teachers for their sure rows alone."""
        lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for index, (sure, _) in enumerate(routed):
            for row_id, own in self.probes[index].lines_of(sure, index + 1).items():
                lines[row_id] += own
        return dict(lines)

    @cached_property
    def used_lines(self) -> Lines:
        """The lines of each row's own teachers; others may have completed it for another recipe."""
        return self.lines_of(self.routed)

    def completions_of(self, lines: Lines) -> dict[str, list[Completion]]:
        """Return the lines as completions by row id, calibrated by the training rows among them."""
        train = self.splits[0]
        present = {teacher_index_of(line) for row in train for line in lines.get(row["id"], ())}
        kinds = [one.calibration if index in present else "none" for index, one in enumerate(self.recipe.teachers)]
        return calibrated_completions(lines, label_priors(kinds, train, lines), self.labels)

    @property
    def judge_replies(self) -> Mapping[str, Completion]:
        """The judge's stored replies, by the key of the completion that each one scores."""
        questions = self.judge_probe.rows if self.judge_probe else {}
        return {key: question.stored[0] for key, question in questions.items() if question.stored}
