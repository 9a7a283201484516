"""The gate's decision as people read it."""

from stillhouse.reports.numbers import count, decimal, rate
from stillhouse.reports.schema.gate import Gate, Looks

GATE_COLUMNS = ("verdict", "rule", "value", "bound", "why")


def gate_heading(gate: Gate) -> str:
    """Return the verdict in a word; in capitals if the student may not be promoted."""
    return gate.verdict if gate.passed else gate.verdict.upper()


def gate_rows(gate: Gate) -> list[list[str]]:
    """Return the cells of each rule, under GATE_COLUMNS."""
    return [
        [
            rule.verdict if rule.passed else rule.verdict.upper(),
            rule.rule,
            _number(rule.value),
            _number(rule.bound),
            rule.reason,
        ]
        for rule in gate.rules
    ]


def gate_sentence(gate: Gate) -> str:
    """Return what the verdict means for the student."""
    if not gate.rules:
        return "No rules set."
    if gate.passed:
        return "Every rule holds."
    if gate.verdict == "refused":
        return "The student may not be promoted."
    return "The test rows can't tell whether every rule holds: the student is not promoted."


def looks_text(looks: Looks | None) -> str:
    """Return how often the test set was used, and what this look could spend; empty without rules."""
    if looks is None:
        return ""
    times = "once" if looks.used == 1 else f"{count(looks.used)} times"
    return (
        f"This test set has decided about students {times}; this is look {looks.look}. It may spend {looks.level:.2g} "
        f"of the {looks.alpha:.2g} that all looks share as their chance of a false promotion."
    )


def _number(value: float | None) -> str:
    """Return a share or a difference with three digits, and a time, a size or a count as a rate has them."""
    return decimal(value) if value is None or abs(value) < 10 else rate(value)
