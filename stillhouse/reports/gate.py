"""Judges a report by the recipe's rules.

Separate because the rules are read off the finished report, so that the gate can't see a number a reader can't.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from stillhouse.errors import RecipeError
from stillhouse.recipe.evaluation import Gate

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def judge(report: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """Return the report's `gate` block; a number that was not measured passes no rule.

    Raises:
        RecipeError: a rule names no number of the report.
    """
    rules = []
    for rule in gate.rules:
        value = _look_up(report, rule.metric)
        passed = value is not None and _OPERATORS[rule.op](value, rule.bound)
        rules.append(
            {"rule": f"{rule.metric} {rule.op} {rule.bound:g}", "value": value, "bound": rule.bound, "passed": passed}
        )
    return {"passed": all(rule["passed"] for rule in rules), "rules": rules}


def _look_up(report: Mapping[str, Any], path: str) -> float | None:
    place: Any = report
    for part in path.split("."):
        if place is None:
            return None
        if not isinstance(place, Mapping) or part not in place:
            known = ", ".join(sorted(place)) if isinstance(place, Mapping) else "nothing below"
            raise RecipeError(f"gate rule {path!r}: {part!r} is not in the report there; it holds {known}.")
        place = place[part]
    if place is not None and (isinstance(place, bool) or not isinstance(place, int | float)):
        raise RecipeError(f"gate rule {path!r} names {place!r}, which is no number.")
    return None if place is None else float(place)
