"""The exports of a report as rows, a sentence and lines of code."""

from importlib import import_module
from typing import Protocol, cast

from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import decimal, interval, milliseconds, size
from stillhouse.reports.schema.exports import ExportResult
from stillhouse.reports.schema.report import Report

HEADER = (
    "export",
    "engine",
    "verdict",
    "quality",
    "agrees with the student",
    "p50 / p95",
    "requests/s",
    "peak memory",
    "files",
)


# how its texts are cut and its labels are named is Stillhouse's own form
_ENCODER_LINES = """```sh
stillhouse serve {name}@champion
```
"""


class _Card(Protocol):
    def card_lines(self, name: str) -> str:
        """Return Markdown with lines of code that use an export called `name`."""


def export_rows(report: Report) -> list[list[str]]:
    """Return a row of text for each export, under `HEADER`."""
    metric = report.comparison.primary_metric
    rows = []
    for key, one in report.exports.items():
        quality, agreement, latency = one.quality.get(metric), one.agreement, one.latency_ms
        rows.append(
            [
                key,
                one.engine or "–",
                one.verdict,
                f"{decimal(quality.value)} {interval(quality.low, quality.high)}" if quality else "–",
                f"{decimal(agreement.value)} {interval(agreement.low, agreement.high)}" if agreement else "–",
                f"{milliseconds(latency.p50)} / {milliseconds(latency.p95)}" if latency else "–",
                decimal(one.requests_per_second, 1),
                size(one.peak_memory_bytes),
                size(one.size_bytes),
            ]
        )
    return rows


def refusals(report: Report) -> list[str]:
    """Return a sentence for each export that is refused."""
    return [
        f"Export {key} is refused: {'; '.join(one.reasons)}."
        for key, one in report.exports.items()
        if one.verdict == "refused"
    ]


def export_lines(report: Report) -> list[str]:
    """Return a line for each export, for the terminal."""
    lines = []
    for row, one in zip(export_rows(report), report.exports.values(), strict=True):
        key, engine, verdict, quality, agreement, latency, _, memory, files = row
        measured = f"{engine}: {quality}, agrees {agreement}, {latency}, {memory}, files {files}"
        lines.append(f"Export {key}: {verdict}; {measured if one.quality else '; '.join(one.reasons)}")
    return lines


def exports_markdown(report: Report) -> str:
    """Return the exports as a Markdown table with what refuses them; empty if there are none."""
    if not report.exports:
        return ""
    return "\n\n".join([table(HEADER, export_rows(report)), *map(cell, refusals(report))])


def export_examples(report: Report) -> str:
    """Return Markdown with a few lines of code for each export that passed; empty if none did."""
    name = str(report.recipe.get("name", report.skill))
    parts = [f"**{key}**\n\n{_lines(one, name)}" for key, one in report.exports.items() if one.verdict == "passed"]
    return "\n\n".join(parts)


def _lines(one: ExportResult, name: str) -> str:
    if one.kind == "encoder":
        return _ENCODER_LINES.format(name=name)
    return cast(_Card, import_module(f"stillhouse.exports.{one.format}.card")).card_lines(name)
