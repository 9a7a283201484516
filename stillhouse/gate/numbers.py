"""A number of the report that a rule names, with the other end of its interval if it is an end of one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stillhouse.errors import RecipeError


@dataclass(frozen=True)
class Named:
    """A number of the report; `value` and `other` are set if it is an end of an interval."""

    number: float | None  # None: not measured
    is_low: bool = False
    value: float | None = None  # that the interval is around
    other: float | None = None  # the interval's other end
    is_share: bool = False  # of a quality between 0 and 1

    @property
    def is_end(self) -> bool:
        """Whether the number is an end of an interval, all of which is known."""
        return self.number is not None and self.value is not None and self.other is not None

    def deviations(self, bound: float, quantile: float) -> float:
        """Return how far `bound` lies on the number's side of the value, in standard deviations.

        At the number itself it is the `quantile` that the interval was made with. Of a quality it is Wilson's score for
        as many rows as give the interval that end; of all else it grows evenly with the distance.
        """
        assert self.number is not None, "only ends of intervals have one"
        assert self.value is not None, "only ends of intervals have one"
        side = -1.0 if self.is_low else 1.0
        end, distance = side * (self.number - self.value), side * (bound - self.value)
        if end <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        plain = quantile * distance / end
        if not self.is_share or not 0 < self.number < 1:
            return plain
        if not 0 < bound < 1:
            return math.copysign(math.inf, distance)
        return plain * math.sqrt(self.number * (1 - self.number) / (bound * (1 - bound)))


def look_up(report: Mapping[str, Any], path: str) -> Named:
    """Return the number at the dotted `path` of the report.

    Raises:
        RecipeError: there is no such field, or it is no number.
    """
    *parents, last = path.split(".")
    section: Any = report
    not_measured = (report.get("comparison") or {}).get("not_measured", {})
    for key in [*parents, last]:
        parent = section
        if parent is None or (key in not_measured and key not in parent):
            return Named(None)
        if not isinstance(parent, Mapping) or key not in parent:
            known = ", ".join(sorted(parent)) if isinstance(parent, Mapping) else "no fields"
            raise RecipeError(f"gate rule {path!r}: the report has no {key!r} there; it has {known}.")
        section = parent[key]
    if section is not None and (isinstance(section, bool) or not isinstance(section, int | float)):
        raise RecipeError(f"gate rule {path!r} names {section!r}; name a number of the report.")
    return _with_interval(parent, last, section)


def _with_interval(parent: Mapping[str, Any], last: str, number: float | None) -> Named:
    """Return the number with its interval: `low` and `high` beside `value`, or `x_low` and `x_high` beside `x`."""
    stem, _, end = last.rpartition("_")
    if number is None or end not in ("low", "high"):
        stem, end = "", last
    if number is None or end not in ("low", "high"):
        return Named(None if number is None else float(number))
    other_end = "high" if end == "low" else "low"
    centre = stem if stem in parent else "value"
    other = parent.get(f"{stem}_{other_end}" if stem else other_end)
    # only a quality has its number of rows beside it
    return Named(float(number), end == "low", parent.get(centre), other, is_share="n" in parent)
