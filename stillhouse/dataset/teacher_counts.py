"""What became of each teacher's completions, for a recipe with several."""

from collections import Counter

from stillhouse.dataset.summary import TeacherCounts
from stillhouse.filters.outcome import PASSED_OVER, FilterResult


def counts_by_teacher(result: FilterResult, num_teachers: int) -> dict[str, TeacherCounts]:
    """Return the counts by the teacher's number, from 1."""
    counts = {}
    for number in range(1, num_teachers + 1):
        kept = [one.row["id"] for one in result.kept if one.completion.teacher_number == number]
        drops = [drop for drop in result.dropped if drop.teacher_number == number]
        passed_over = {drop.row["id"] for drop in drops if drop.reason in PASSED_OVER}
        counts[str(number)] = TeacherCounts(
            num_in=len(kept) + len(drops),
            kept=len(kept),
            dropped=dict(Counter(drop.reason for drop in drops).most_common()),
            prompts=len({*kept, *(drop.row["id"] for drop in drops)}),
            usable=len({*kept, *passed_over}),
        )
    return counts
