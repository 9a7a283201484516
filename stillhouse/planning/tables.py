"""The plan for the terminal and for Prefect's page."""

from collections.abc import Callable

from rich import box
from rich.table import Table

from stillhouse.costs.forecast import Range
from stillhouse.planning.plan import Plan
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, dollars, percent, rate, seconds

COLUMNS = ("asked for", "requests", "stored", "to ask", "tokens to come", "cost to come", "time to come")
_NOT_KNOWN = "not known"
_SHOWN: dict[str, Callable[[float], str]] = {"budget.usd": dollars, "budget.tokens": count, "budget.hours": rate}


def plan_rows(plan: Plan) -> list[list[str]]:
    """Return one row for each thing asked for, and one of what is still to come in all."""
    rows = [
        [
            part.what,
            *(count(number) for number in (part.requests, part.stored, part.missing)),
            *_amounts(part.remaining.tokens, part.remaining.usd, part.remaining.seconds),
        ]
        for part in plan.parts
    ]
    total = ["still to come", "", "", count(plan.requests), *_amounts(plan.tokens, plan.usd, plan.seconds)]
    return [*rows, total] if len(rows) > 1 else rows


def plan_lines(plan: Plan) -> list[str]:
    """Return what stands below the table: cost in all, answers kept, budget, and how it was forecast."""
    kept, found = plan.survivors.kept, plan.probe
    lines = [
        f"Probe: {count(found['prompts'])} prompts, {count(found['generated'])} answers asked for it.",
        *(
            f"In all, stored answers included: {part.what} {_range(part.tokens, count)} tokens, "
            f"{_range(part.usd, dollars)} (price: {part.price})."
            for part in plan.parts
        ),
        f"Kept by the filters: {_range(kept, count)} of {count(plan.survivors.answers)} answers"
        + (f", about {percent(kept.value / plan.survivors.answers)}" if kept and plan.survivors.answers else "")
        + (f"; dropped of {count(plan.survivors.judged)} known: {_dropped(plan)}." if plan.survivors.judged else "."),
    ]
    lines += [
        f"{one.name}: {_SHOWN[one.name](one.limit)} {one.verdict}; forecast {_range(one.forecast, _SHOWN[one.name])}."
        for one in plan.budget
    ]
    return [*lines, *plan.notes]


def render_plan(plan: Plan) -> Table:
    """Return the plan as a table for rich to print."""
    grid = Table(
        title=f"Plan of {plan.recipe}: {', '.join(plan.teachers)} for {plan.skill}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        min_width=72,
    )
    for number, name in enumerate(COLUMNS):
        grid.add_column(name, justify="right" if number else "left")
    for row in plan_rows(plan):
        grid.add_row(*row)
    return grid


def plan_markdown(plan: Plan) -> str:
    """Return the plan as Markdown."""
    lines = "\n".join(f"- {cell(line)}" for line in plan_lines(plan))
    return f"## Plan of {cell(plan.recipe)}\n\n{table(COLUMNS, plan_rows(plan))}\n\n{lines}\n"


def _amounts(tokens: Range | None, usd: Range | None, time: Range | None) -> list[str]:
    return [_range(tokens, count), _range(usd, dollars), _range(time, seconds)]


def _range(found: Range | None, shown: Callable[[float], str]) -> str:
    if found is None:
        return _NOT_KNOWN
    if found.low is None or found.high is None:
        return f"{shown(found.value)} [?]"
    bounds = f" [{shown(found.low)}, {shown(found.high)}]" if found.low != found.high else ""
    return shown(found.value) + bounds


def _dropped(plan: Plan) -> str:
    return ", ".join(f"{reason} {number}" for reason, number in plan.survivors.dropped.items()) or "none"
