"""The plan for the terminal and for Prefect's page."""

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Column, Table

from stillhouse.costs.forecast import Range
from stillhouse.planning.compatibility import COMPATIBILITY, compatibility_rows
from stillhouse.planning.gate_forecast import gate_line
from stillhouse.planning.model_memory import memory_line
from stillhouse.planning.most import most_line
from stillhouse.planning.plan import Plan
from stillhouse.planning.requests_forecast import RemainingUsage
from stillhouse.planning.training_memory import training_line
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, dollars, percent, rate, seconds

COLUMNS = ("purpose", "requests", "stored", "missing", "tokens to come", "cost to come", "time to come")
_FORMATS: dict[str, Callable[[float], str]] = {"budget.usd": dollars, "budget.tokens": count, "budget.hours": rate}


def plan_rows(plan: Plan) -> list[list[str]]:
    """Return the cells of each part, and of the total if there are several parts."""
    rows = []
    for part in plan.parts:
        rows.append([part.what, *map(count, (part.requests, part.stored, part.missing)), *_amounts(part.remaining)])
    total = ["still to come", "", "", count(plan.requests), *_amounts(plan)]
    return [*rows, total] if len(rows) > 1 else rows


def plan_lines(plan: Plan) -> list[str]:
    """Return the lines below the table: total cost, completions kept, budget, memory, and notes on the forecast."""
    kept, num_all, num_judged = plan.survivors.kept, plan.survivors.answers, plan.survivors.judged
    dropped = ", ".join(f"{reason} {number}" for reason, number in plan.survivors.dropped.items()) or "none"
    if plan.most:
        return [*map(most_line, plan.most), *_memory_lines(plan), *map(gate_line, plan.gate), *plan.notes]
    lines = [f"Probe: {count(plan.probe['prompts'])} prompts, {count(plan.probe['generated'])} new completions."]
    for part in plan.parts:
        total = f"{_range(part.tokens, count)} tokens, {_range(part.usd, dollars)}"
        lines.append(f"In all, stored completions included: {part.what} {total} (price: {part.price}).")
    lines.append(
        f"Kept by the filters: {_range(kept, count)} of {count(num_all)} completions"
        + (f", about {percent(kept.value / num_all)}" if kept and num_all else "")
        + (f"; dropped of {count(num_judged)} stored: {dropped}." if num_judged else ".")
    )
    for limit in plan.budget:
        show = _FORMATS[limit.name]
        lines.append(f"{limit.name}: {show(limit.limit)} {limit.verdict}; forecast {_range(limit.forecast, show)}.")
    return [*lines, *_memory_lines(plan), *map(gate_line, plan.gate), *plan.notes]


def _memory_lines(plan: Plan) -> list[str]:
    served = [line for model in plan.memory for line in (memory_line(model), *model.commands)]
    return [*served, *map(training_line, plan.training)]


def render_plan(plan: Plan) -> Table:
    """Return the plan as a table for rich to print."""
    title = f"Plan of {plan.recipe}: {', '.join(plan.teachers)} for {plan.skill}"
    return _grid(title, COLUMNS, plan_rows(plan))


def render_compatibility(plan: Plan) -> Table:
    """Return how each student fits each teacher as a table for rich to print."""
    return _grid("Students and teachers", COMPATIBILITY, compatibility_rows(plan.compatibility))


def plan_markdown(plan: Plan) -> str:
    """Return the plan as Markdown."""
    lines = "\n".join(f"- {cell(line)}" for line in plan_lines(plan))
    fits = table(COMPATIBILITY, compatibility_rows(plan.compatibility)) + "\n\n" if plan.compatibility else ""
    return f"## Plan of {cell(plan.recipe)}\n\n{table(COLUMNS, plan_rows(plan))}\n\n{fits}{lines}\n"


def _grid(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    columns = [Column(name, justify="right" if number else "left") for number, name in enumerate(names)]
    grid = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", min_width=72)
    for row in rows:
        grid.add_row(*row)
    return grid


def _amounts(usage: RemainingUsage | Plan) -> list[str]:
    return [_range(usage.tokens, count), _range(usage.usd, dollars), _range(usage.seconds, seconds)]


def _range(amount: Range | None, show: Callable[[float], str]) -> str:
    if amount is None:
        return "not known"
    if amount.low is None or amount.high is None:
        return f"{show(amount.value)} [?]"
    bounds = f" [{show(amount.low)}, {show(amount.high)}]" if amount.low != amount.high else ""
    return show(amount.value) + bounds
