"""What became of each teacher's answers: how many were usable, how many are lessons.

Separate because only a recipe with several teachers asks for it.
"""

from collections import Counter
from typing import Any

from stillhouse.filters.outcome import PASSED_OVER, FilterResult


def counts_by_teacher(result: FilterResult, num_teachers: int) -> dict[str, dict[str, Any]]:
    """Return by teacher's number, from 1: {in, kept, dropped: {reason: n}} of its answers, and of its prompts
    {prompts: n asked, usable: n with an answer that no rule objected to}.

    An answer that another one was taken for, of the same or another teacher, is dropped but usable.
    """
    found = {}
    for number in range(1, num_teachers + 1):
        kept = [one["row"]["id"] for one in result.kept if one["completion"].teacher_number == number]
        dropped = [drop for drop in result.dropped if drop.get("teacher") == number]
        passed_over = {drop["id"] for drop in dropped if drop["reason"] in PASSED_OVER}
        found[str(number)] = {
            "in": len(kept) + len(dropped),
            "kept": len(kept),
            "dropped": dict(Counter(drop["reason"] for drop in dropped).most_common()),
            "prompts": len({*kept, *(drop["id"] for drop in dropped)}),
            "usable": len({*kept, *passed_over}),
        }
    return found
