"""Which prompts still need a teacher: those without an answer that the filters keep, of the teachers so far.

The recipe's rules decide, but not its bounds on the whole: a teacher that serves few prompts is no failure if another
one follows.
"""

from collections.abc import Mapping, Sequence

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.errors import DataError
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.skills.skill import Skill


def routing_filters(filters: Filters, *, must_verify: bool) -> Filters:
    """Return the recipe's filters as they judge one prompt; a reference counts only if `must_verify`."""
    return filters.model_copy(
        update={
            "verification": must_verify,
            "near_duplicate_threshold": 1.0,
            "min_success_ratio": 0.0,
            "min_judge_score": None,  # a judge scores the answers once all teachers have answered
        }
    )


def check_references(rows: Sequence[Row]) -> None:
    """Return if an answer to some row can be verified.

    Raises:
        DataError: no row has a reference.
    """
    if not any(row["references"] for row in rows):
        raise DataError(
            f"routing.kind: first_verified goes by references, and none of {len(rows)} prompts has one. Check "
            "data.train.columns, or take fallback."
        )


def unanswered_rows(
    rows: Sequence[Row],
    completions: Mapping[str, Sequence[Completion]],
    rules: Filters,
    skill: Skill,
    labels: Sequence[str],
) -> list[str]:
    """Return the ids of the rows without an answer that `rules` keep, each once, in the rows' order."""
    served = {kept.row["id"] for kept in apply_filters(rows, completions, rules, skill, labels).kept}
    return [row_id for row_id in dict.fromkeys(row["id"] for row in rows) if row_id not in served]
