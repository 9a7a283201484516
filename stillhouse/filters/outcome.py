"""What the filters decided: what was kept, what was dropped and why, and whether enough is left."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stillhouse.data.row import Row
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.settings import RULES, Filters

# reasons of answers without a fault: another one was taken for their prompt
PASSED_OVER = ("not_majority", "not_best")


class Drop(NamedTuple):
    """A candidate that is dropped: `reason` is the rule's name, `detail` says what it objected to."""

    candidate: Candidate
    reason: str
    detail: str


@dataclass(frozen=True)
class Decision:
    """Which of some candidates are kept, and which are dropped."""

    kept: tuple[Candidate, ...]
    dropped: tuple[Drop, ...] = ()

    def then(self, later: "Decision") -> "Decision":
        """Return this decision and a later one about what it keeps as one."""
        return Decision(later.kept, self.dropped + later.dropped)

    def beside(self, other: "Decision") -> "Decision":
        """Return this decision and one about other candidates as one."""
        return Decision(self.kept + other.kept, self.dropped + other.dropped)


@dataclass
class FilterResult:
    """What became of every completion; len(kept) + len(dropped) is the number that came in."""

    kept: list[Candidate] = field(default_factory=list)
    # the lines of dropped.jsonl: {id, sample_index, key, text, answer, finish_reason, reason, detail}; also `teacher`
    # if the recipe has several
    dropped: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Dropped completions by reason, most frequent first."""
        return dict(Counter(line["reason"] for line in self.dropped).most_common())

    @property
    def num_in(self) -> int:
        """Completions judged; a prompt without any counts as one that failed."""
        return len(self.kept) + len(self.dropped)

    def record(self, drops: Iterable[Drop]) -> None:
        """Add the lines of candidates that are dropped; who calls keeps them out of `kept`."""
        self.dropped += map(_dropped_line, drops)

    def record_unanswered(self, row: Row) -> None:
        """Add the line of a prompt without any completion: one that failed, with the fields of the others."""
        empty = dict.fromkeys(("sample_index", "key", "text", "answer", "finish_reason"))
        self.dropped.append({"id": row["id"], **empty, "reason": "failed", "detail": "no completion came back"})


def merge_results(results: Iterable[FilterResult]) -> FilterResult:
    """Return the results of several splits as one."""
    merged = FilterResult()
    for result in results:
        merged.kept += result.kept
        merged.dropped += result.dropped
    return merged


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


def _dropped_line(drop: Drop) -> dict[str, Any]:
    candidate, completion = drop.candidate, drop.candidate.completion
    return {
        "id": candidate.row["id"],
        "sample_index": candidate.rollout_index,
        "key": completion.key,
        "text": completion.text,
        "answer": candidate.answer,
        "finish_reason": completion.finish_reason,
        "reason": drop.reason,
        "detail": drop.detail,
        **({"teacher": completion.teacher_number} if completion.teacher_number else {}),
    }
