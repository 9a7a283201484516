"""Metrics of the calls of tools in an answer, by name and by arguments.

A row counts if its reference or the answer calls a tool: most replies of a dialogue call none, and would hide how well
the others do. A call where the reference has none is wrong.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.data.tool_calls import Function, find_tagged_calls
from stillhouse.metrics.metric import Metric, RowScore


def calls_in(text: str | None, skill: Any) -> list[Function]:
    """Return the calls in an answer or reference, in any form that the skill's parser reads."""
    answer = None if text is None else skill.parse(text, ())
    found = find_tagged_calls(answer) if answer else None
    return found[1] if found else []


def has_calls(references: Sequence[str], skill: Any) -> bool:
    """Return whether an accepted answer calls a tool."""
    return any(calls_in(reference, skill) for reference in references)


def same_calls(one: str, other: str, skill: Any) -> bool:
    """Return whether two answers make the same calls with equal arguments, in any order; also if both make none."""
    called, others = (Counter(map(_whole, calls_in(text, skill))) for text in (one, other))
    return called == others


def _equal_calls(key: Callable[[Function], str]) -> RowScore:
    """Return the score that is 1 if the calls are those of a reference, each as often, in any order."""

    def score(answer: str | None, references: Sequence[str], skill: Any) -> float:
        called = Counter(map(key, calls_in(answer, skill)))
        accepted = [Counter(map(key, calls_in(reference, skill))) for reference in references]
        if not called and not any(accepted):
            return math.nan
        return float(called in accepted)

    return score


def _name(call: Function) -> str:
    return str(call["name"])


def _whole(call: Function) -> str:
    """Return a call as text that is equal for equal JSON values: 1 is 1.0, but neither "1" nor true."""
    return json.dumps([call["name"], _plain(call["arguments"])], sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NEEDS = "no reference calls a tool"
TOOL_CALL_NAMES = Metric("tool_call_names", "share", _equal_calls(_name), "tool names", has_calls, _NEEDS)
TOOL_CALL_ARGUMENTS = Metric(
    "tool_call_arguments", "share", _equal_calls(_whole), "tool names and arguments", has_calls, _NEEDS
)
