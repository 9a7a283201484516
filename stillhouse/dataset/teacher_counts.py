"""What became of each teacher's answers, for a recipe with several: how many were usable, how many are trained on."""

from collections import Counter
from typing import Any

from stillhouse.filters.outcome import PASSED_OVER, FilterResult


def counts_by_teacher(result: FilterResult, num_teachers: int) -> dict[str, dict[str, Any]]:
    """Return by teacher's number, from 1: {in, kept, dropped: {reason: n}} of its answers, and of its prompts
    {prompts: n asked, usable: n with an answer that no rule objected to}.

    An answer is dropped but usable if another one, of the same or another teacher, was taken for its prompt.
    """
    counts = {}
    for number in range(1, num_teachers + 1):
        kept = [one.row["id"] for one in result.kept if one.completion.teacher_number == number]
        dropped = [line for line in result.dropped if line.get("teacher") == number]
        passed_over = {line["id"] for line in dropped if line["reason"] in PASSED_OVER}
        counts[str(number)] = {
            "in": len(kept) + len(dropped),
            "kept": len(kept),
            "dropped": dict(Counter(line["reason"] for line in dropped).most_common()),
            "prompts": len({*kept, *(line["id"] for line in dropped)}),
            "usable": len({*kept, *passed_over}),
        }
    return counts
