"""The report's cost ledger: lines, totals and break-even; and its rows for a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.costs.ledger import PaidPart, break_even, total
from stillhouse.costs.usage import Usage
from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.numbers import count, dollars, seconds
from stillhouse.reports.schema.costs import Ledger, Work

COLUMNS = ("paid for", "requests", "from store", "prompt tokens", "completion tokens", "time", "this run", "in all")
_NONE = "–"
_NOT_KNOWN = "not known"


def ledger_block(
    lines: Sequence[PaidPart], models: Mapping[ModelRole, Mapping[str, Any]], student: ModelRole
) -> dict[str, Any]:
    """Return the `ledger` block; `models` holds the cost of a thousand requests to each.

    The break-even is of `student` against the teacher.
    """
    cost = total(line.life_usd for line in lines)
    unpriced = [line.what for line in lines if line.life_usd is None]
    requests, reason = break_even(cost, *(_usd_per_request(models, role) for role in (ModelRole.TEACHER, student)))
    if unpriced:
        reason += f": no price for {', '.join(unpriced)} (set `costs`, or a teacher's `price`)"
    return {
        "lines": [
            {
                "what": line.what,
                "stage": line.stage,
                "from_store": line.from_store,
                "run": _work(line.run, line.run_usd),
                "life": _work(line.life, line.life_usd),
                "price": line.price.source,
            }
            for line in lines
        ],
        "run_usd": total(line.run_usd for line in lines),
        "life_usd": cost,
        "unpriced": unpriced,
        "break_even": {"requests": requests, "reason": reason},
    }


def ledger_rows(ledger: Ledger) -> list[list[str]]:
    """Return a row per line and one of totals, in the order of `COLUMNS`."""
    rows = [
        [line.what, *_amounts(line.life, line.from_store), _money(line.run.usd), _money(line.life.usd)]
        for line in ledger.lines
    ]
    return [*rows, ["total", *[""] * (len(COLUMNS) - 3), _money(ledger.run_usd), _money(ledger.life_usd)]]


def break_even_text(ledger: Ledger) -> str:
    """Return the break-even as one sentence."""
    break_even = ledger.break_even
    if break_even.requests is None:
        return f"Break-even: {break_even.reason}."
    return f"Break-even: after {count(break_even.requests)} requests to the student; {break_even.reason}."


def _amounts(work: Work, from_store: int | None) -> list[str]:
    counts = (work.requests, from_store, work.prompt_tokens, work.completion_tokens)
    return [*(_NONE if number is None else count(number) for number in counts), seconds(work.seconds)]


def _money(value: float | None) -> str:
    return _NOT_KNOWN if value is None else dollars(value)


def _work(usage: Usage, usd: float | None) -> dict[str, Any]:
    return {**usage.model_dump(), "usd": usd}


def _usd_per_request(models: Mapping[ModelRole, Mapping[str, Any]], role: ModelRole) -> float | None:
    per_1k = models.get(role, {}).get("cost_usd_per_1k_requests")
    return None if per_1k is None else float(per_1k) / 1000
