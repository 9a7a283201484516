"""Decides by the recipe's rules whether the student may be promoted.

The rules read the finished report, so the gate sees no number that a reader does not.
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


def evaluate_gate(report: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """Return the report's `gate` block; a rule fails if its number was not measured.

    Raises:
        RecipeError: a rule names something that is not a number of the report.
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
    value: Any = report
    not_measured = (report.get("comparison") or {}).get("not_measured", {})
    for key in path.split("."):
        if value is None or (key in not_measured and key not in value):
            return None
        if not isinstance(value, Mapping) or key not in value:
            known = ", ".join(sorted(value)) if isinstance(value, Mapping) else "no fields"
            raise RecipeError(f"gate rule {path!r}: the report has no {key!r} there; it has {known}.")
        value = value[key]
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise RecipeError(f"gate rule {path!r} names {value!r}; name a number of the report.")
    return None if value is None else float(value)
