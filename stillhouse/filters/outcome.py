"""What the filters decided: what is kept, what is dropped and why, and whether enough is left."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stillhouse.data.row import Row
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule
from stillhouse.filters.settings import RULES, Filters

# reasons of completions without a fault: another one was chosen for their prompt
PASSED_OVER = ("not_majority", "not_best")


class Drop(NamedTuple):
    """A completion that is dropped: `reason` is the rule's name, `detail` says what it objected to."""

    row: Row
    reason: str
    detail: str
    candidate: Candidate | None = None  # None: the prompt got no completion

    @property
    def teacher_number(self) -> int | None:
        """The completion's teacher, from 1; None if the recipe has one teacher."""
        return self.candidate.completion.teacher_number if self.candidate else None

    def line(self) -> dict[str, Any]:
        """Return the drop as a line of dropped.jsonl; it names the teacher if the recipe has several."""
        candidate, completion = self.candidate, self.candidate.completion if self.candidate else None
        return {
            "id": self.row["id"],
            "sample_index": candidate.rollout_index if candidate else None,
            "key": completion.key if completion else None,
            "text": completion.text if completion else None,
            "answer": candidate.answer if candidate else None,
            "finish_reason": completion.finish_reason if completion else None,
            "reason": self.reason,
            "detail": self.detail,
            **({"teacher": self.teacher_number} if self.teacher_number else {}),
        }


@dataclass(frozen=True)
class FilterResult:
    """Which of some completions are kept, and which are dropped."""

    kept: tuple[Candidate, ...] = ()
    dropped: tuple[Drop, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Dropped completions by reason, most frequent first."""
        return dict(Counter(drop.reason for drop in self.dropped).most_common())

    @property
    def num_in(self) -> int:
        """Completions filtered; a prompt without any counts as one that failed."""
        return len(self.kept) + len(self.dropped)

    def then(self, later: "FilterResult") -> "FilterResult":
        """Return this result and a later one about what it keeps as one."""
        return FilterResult(later.kept, self.dropped + later.dropped)


def merge_results(results: Iterable[FilterResult]) -> FilterResult:
    """Return the results about different completions as one."""
    kept: list[Candidate] = []
    dropped: list[Drop] = []
    for result in results:
        kept += result.kept
        dropped += result.dropped
    return FilterResult(tuple(kept), tuple(dropped))


def undecided_counts(kept: Sequence[Candidate], filters: Filters) -> dict[str, int]:
    """Return how many kept completions each rule could not judge, by its name; rules that judged all are left out."""
    rules = [rule for rule in filters.rules() if isinstance(rule, CandidateRule)]
    counts = {rule.name: sum(map(rule.cannot_judge, kept)) for rule in rules}
    return {name: count for name, count in counts.items() if count}


def check_success(rows: Sequence[Row], result: FilterResult, filters: Filters) -> None:
    """Return if enough prompts kept an answer; no prompts at all are enough.

    Raises:
        QualityError: fewer than `filters.min_success_ratio` did; the message names the reasons and what to change.
    """
    served = {candidate.row["id"] for candidate in result.kept}
    num_served = sum(row["id"] in served for row in rows)
    if not rows or num_served / len(rows) >= filters.min_success_ratio:
        return
    counts = {reason: count for reason, count in result.counts.items() if reason not in PASSED_OVER}
    next_steps = {rule.name: rule.next_step for rule in RULES if rule.next_step}
    first = next((f"{next_steps[reason]}; " for reason in counts if reason in next_steps), "")
    raise QualityError(
        f"{num_served} of {len(rows)} prompts ({num_served / len(rows):.0%}) kept an answer; "
        f"filters.min_success_ratio asks for {filters.min_success_ratio:.0%}. Dropped: "
        f"{', '.join(f'{reason} {count}' for reason, count in counts.items())}. Next: {first}"
        "lower `filters.min_success_ratio` if so few are enough"
    )
