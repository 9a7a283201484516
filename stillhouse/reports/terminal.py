"""The comparison for the terminal."""

from rich import box
from rich.markup import escape
from rich.table import Table

from stillhouse.reports.champion import champion_text
from stillhouse.reports.entries import entries
from stillhouse.reports.export_text import export_lines
from stillhouse.reports.gate_text import gate_heading, gate_rows, looks_text
from stillhouse.reports.ledger import break_even_text
from stillhouse.reports.numbers import NOT_MEASURED, metric_name, percent
from stillhouse.reports.rounds import rounds_text
from stillhouse.reports.schema.gate import Gate
from stillhouse.reports.schema.report import Report
from stillhouse.reports.students import best_student_text
from stillhouse.reports.tables import comparison_rows, quality_text
from stillhouse.reports.verdict import conclusion, headline

_MOST_COLUMNS = 7  # models side by side; more stand in lines, with less of each
_OF_A_LINE = ("latency p50", "requests/s", "weights", "peak memory", "cost / 1k")


def render_terminal(report: Report) -> Table:
    """Return the comparison as a table for rich to print, to fit 80 to 120 columns."""
    grid = Table(
        title=headline(report),
        caption=_caption(report),
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        min_width=72,
    )
    rows = comparison_rows(report)[: len(entries(report))]
    (_add_lines if len(rows) > _MOST_COLUMNS else _add_columns)(grid, report, rows)
    return grid


def _add_columns(grid: Table, report: Report, rows: list[dict[str, str]]) -> None:
    """Add a column for each model."""
    grid.add_column("")
    for entry in entries(report):
        style = "bold" if entry.is_compared else ""
        grid.add_column(
            entry.role.short_label + (" *" if entry.is_better_baseline else ""), justify="right", style=style
        )
    for name in list(rows[0])[2:] if rows else []:
        if all(row[name] == NOT_MEASURED for row in rows):
            continue
        grid.add_row(
            metric_name(name),
            *(row[name].replace(NOT_MEASURED, "–").replace(" [", "\n[").replace(",\u00a0", ",") for row in rows),
        )


def _add_lines(grid: Table, report: Report, rows: list[dict[str, str]]) -> None:
    """Add a line for each model: side by side so many would be cut off."""
    names = [report.comparison.primary_metric, *_OF_A_LINE]
    shown = [name for name in names if any(row[name] != NOT_MEASURED for row in rows)]
    grid.add_column("", overflow="fold")
    for name in shown:
        grid.add_column(metric_name(name), justify="right")
    for entry, row in zip(entries(report), rows, strict=True):
        own = report.students.get(entry.role)
        label = f"{entry.role.short_label}: {own.name}" if own else entry.role.short_label
        cells = [row[name].replace(NOT_MEASURED, "–") for name in shown]
        grid.add_row(
            escape(label) + (" *" if entry.is_better_baseline else ""),
            *cells,
            style="bold" if entry.is_compared else "",
        )


def _caption(report: Report) -> str:
    gate = f"\n{_gate_lines(report.gate)}" if report.gate else ""
    cost = f"\n{break_even_text(report.ledger)}" if report.ledger and report.ledger.break_even.requests else ""
    answer = f"{conclusion(report)}{_judge_line(report)}{cost}{gate}"
    lines = [
        f"* the better baseline; – not measured. Worth a teacher? {answer}",
        best_student_text(report),
        champion_text(report),
        rounds_text(report),
    ]
    return "\n".join(filter(None, [*lines, *map(escape, export_lines(report))]))


def _gate_lines(gate: Gate) -> str:
    """Return the verdict, a line for each rule that does not hold, and how often the test set was used."""
    lines = [f"Gate: {gate_heading(gate)}"]
    lines += [
        f"  {verdict}: {rule}: {value}" + (f" ({why})" if why and why != value else "")
        for one, (verdict, rule, value, _, why) in zip(gate.rules, gate_rows(gate), strict=True)
        if not one.passed
    ]
    return escape("\n".join([*lines, *filter(None, [looks_text(gate.looks)])]))


def _judge_line(report: Report) -> str:
    """Return the judge's win rates as a line of their own; empty without a judge."""
    judge = report.judge
    if judge is None or not judge.against:
        return ""
    rates = [
        f"{quality_text(result.win_rate)} against the {opponent} (both orders agree on {percent(result.agreement)})"
        for opponent, result in judge.against.items()
    ]
    return f"\nJudge {judge.name}: win rate {', '.join(rates)}"
