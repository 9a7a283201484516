"""Sentences about what the student was taught beside plain answers, for the page and the cards."""

from stillhouse.reports.numbers import count
from stillhouse.reports.schema.data import ReasoningShares


def reasoning_text(shares: ReasoningShares | None) -> str:
    """Return how many training examples show how much of the teacher's reasoning; empty if it is not mixed."""
    if shares is None:
        return ""
    short = f"{count(shares.short)} short{_single(shares)}"
    parts = [f"{count(shares.long)} long, {short}, {count(shares.alone)} the answer alone"]
    parts += [f"{count(shares.too_long)} too long and so the answer alone"] if shares.too_long else []
    parts += [f"{count(shares.without)} without any reasoning"] if shares.without else []
    return f"Reasoning in the training examples: {', '.join(parts)}."


def _single(shares: ReasoningShares) -> str:
    return f" (of {count(shares.single)} there was one sample)" if shares.single else ""
