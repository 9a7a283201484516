"""The books of the filters: what was kept, what was dropped and why, and whether enough is left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters

# answers that nothing is wrong with but that another one stands for their prompt
PASSED_OVER = ("not_majority", "not_best")

# what a user would change first, by the reason that dropped most
_NEXT_STEP = {
    "failed": "see the teacher's log for the errors",
    "truncated": "raise `sampling.max_tokens`",
    "refused": "change `prompt.system`",
    "unparsable": "keep `output.kind: skill`, or name the labels in `prompt.system`",
    "too_long": "raise `skill.max_words`",
    "verification": "raise `prompt.examples` or take a stronger teacher",
    "judge": "lower `filters.min_judge_score`, or see `said` in the judge stage's scores.parquet",
    "agreement": "lower `filters.min_agreement`",
    "confidence": "lower `filters.min_mean_logprob`",
    "language": "check `filters.languages`",
    "near_duplicate": "raise `filters.near_duplicate_threshold`",
}


@dataclass
class FilterResult:
    """What became of every completion; len(kept) + len(dropped) is the number that came in."""

    kept: list[dict[str, Any]] = field(default_factory=list)  # {row, completion, answer}
    # {id, sample_index, key, text, answer, finish_reason, reason, detail}, and `teacher` where there are several
    dropped: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Dropped completions by reason, most frequent first."""
        return dict(Counter(drop["reason"] for drop in self.dropped).most_common())

    @property
    def num_in(self) -> int:
        """Completions judged; a prompt without any counts as one that failed."""
        return len(self.kept) + len(self.dropped)

    def drop(self, sample_index: int, sample: Sample, reason: str, detail: str) -> None:
        """Note that `sample` is dropped: `reason` is the rule's name, `detail` what it objected to."""
        self.dropped.append(
            {
                "id": sample.row["id"],
                "sample_index": sample_index,
                "key": sample.completion.key,
                "text": sample.completion.text,
                "answer": sample.answer,
                "finish_reason": sample.completion.finish_reason,
                "reason": reason,
                "detail": detail,
                **({"teacher": number} if (number := sample.completion.teacher_number) else {}),
            }
        )

    def drop_kept(
        self, one: dict[str, Any], completions: Mapping[str, Sequence[Completion]], reason: str, detail: str
    ) -> None:
        """Note that `one` of `kept` is dropped after all; who calls takes it out of `kept`."""
        row, completion = one["row"], one["completion"]
        keys = [sample.key for sample in completions[row["id"]]]
        self.dropped.append(
            {
                "id": row["id"],
                "sample_index": keys.index(completion.key),
                "key": completion.key,
                "text": completion.text,
                "answer": one["answer"],
                "finish_reason": completion.finish_reason,
                "reason": reason,
                "detail": detail,
            }
        )

    def drop_unanswered(self, row: Row) -> None:
        """Note a prompt without any completion, as one that failed; its record has the fields of the others."""
        record = dict.fromkeys(("sample_index", "key", "text", "answer", "finish_reason"))
        self.dropped.append({"id": row["id"], **record, "reason": "failed", "detail": "no completion came back"})


def check_success(rows: Sequence[Row], result: FilterResult, filters: Filters) -> None:
    """Return where enough prompts kept an answer; no prompts at all are enough.

    Raises:
        QualityError: when fewer than `filters.min_success_ratio` did; names the reasons and what to change.
    """
    served = {one["row"]["id"] for one in result.kept}
    num_served = sum(row["id"] in served for row in rows)
    if not rows or num_served / len(rows) >= filters.min_success_ratio:
        return
    counts = {reason: count for reason, count in result.counts.items() if reason not in PASSED_OVER}
    steps = [_NEXT_STEP[reason] for reason in counts if reason in _NEXT_STEP][:1]
    steps.append("lower `filters.min_success_ratio` if so few are enough")
    raise QualityError(
        f"{num_served} of {len(rows)} prompts ({num_served / len(rows):.0%}) kept an answer; "
        f"filters.min_success_ratio asks for {filters.min_success_ratio:.0%}. Dropped: "
        f"{', '.join(f'{reason} {count}' for reason, count in counts.items())}. Next: {'; '.join(steps)}"
    )
