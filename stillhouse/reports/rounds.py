"""The report's block, table and sentence of the rounds in which a teacher was asked."""

from dataclasses import asdict
from typing import Any

from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, decimal, dollars, interval, metric_name, signed
from stillhouse.reports.schema.report import Report
from stillhouse.reports.schema.rounds import AskedRound
from stillhouse.rounds.result import POINTS, Rounded, RoundResult

HEADER = (
    "round",
    "prompts",
    "requests",
    "tokens",
    "cost",
    "examples",
    "on validation rows",
    "gain",
    "points / 1k requests",
)
_CHOSEN = {
    "unsure": "of whose answers the student was least sure",
    "disagreement": "on which two learners differed most",
    "judged_wrong": "whose answer by the student the judge scored lowest",
    "random": "at random",
}


def rounds_block(rounded: Rounded | None, recipe: Recipe) -> dict[str, Any] | None:
    """Return the report's `rounds`; None for a run that asked about all prompts at once."""
    if rounded is None or recipe.rounds is None:
        return None
    return {
        "choose": recipe.rounds.choose,
        "student": recipe.rounds_student,
        "metric": rounded.metric,
        "rows": rounded.results[0].quality.n,
        "by_references": rounded.by_references,
        "confidence": recipe.evaluation.confidence,
        "rounds": [_round(one) for one in rounded.results],
        "stopped": rounded.stopped,
    }


def _round(one: RoundResult) -> dict[str, Any]:
    points = one.gain.value * POINTS if one.gain else None
    return {
        "number": one.number,
        "prompts": one.prompts,
        "again": one.again,
        "examples": one.examples,
        "requests": one.cost.requests,
        "tokens": one.cost.tokens,
        "cost_usd": one.cost.usd,
        "quality": one.quality.value,
        "quality_low": one.quality.low,
        "quality_high": one.quality.high,
        "gain": {name: value for name, value in asdict(one.gain).items() if name != "n"} if one.gain else None,
        "points_per_thousand_requests": None if points is None else _per(points, one.cost.requests / 1000),
        "points_per_usd": None if points is None else _per(points, one.cost.usd),
        "left": one.left,
        "cut_by_budget": one.is_cut,
    }


def _per(points: float, amount: float | None) -> float | None:
    return points / amount if amount else None


def round_rows(report: Report) -> list[list[str]]:
    """Return a row of text for each round, under `HEADER`."""
    return [_row(one) for one in report.rounds.rounds] if report.rounds else []


def _row(one: AskedRound) -> list[str]:
    asked = count(one.prompts) + (f" + {count(one.again)} again" if one.again else "")
    gain = f"{signed(one.gain.value)} {interval(one.gain.low, one.gain.high)}" if one.gain else "–"
    worth = one.points_per_thousand_requests
    return [
        f"{one.number}{' (cut by the budget)' if one.cut_by_budget else ''}",
        asked,
        count(one.requests),
        count(one.tokens),
        dollars(one.cost_usd),
        count(one.examples),
        f"{decimal(one.quality)} {interval(one.quality_low, one.quality_high)}",
        gain,
        "–" if worth is None else signed(worth, 1),
    ]


def rounds_text(report: Report) -> str:
    """Return what the rounds brought, in a sentence or two; empty for a run without rounds."""
    found = report.rounds
    if found is None:
        return ""
    first, last = found.rounds[0], found.rounds[-1]
    metric, asked = metric_name(found.metric), sum(one.prompts for one in found.rounds)
    start = f"The teacher was asked about {count(asked)} of {count(asked + last.left)} training prompts"
    if len(found.rounds) == 1:
        quality = f"{metric} {decimal(first.quality)} on {count(found.rows)} validation rows"
        return f"{start} in one round: {quality}. {_end(report)}"
    requests = sum(one.requests or 0 for one in found.rounds[1:])
    points = (last.quality - first.quality) * POINTS
    rate = f", {signed(points / requests * 1000, 1)} a thousand requests" if requests else ""
    return (
        f"{start} in {len(found.rounds)} rounds, after the first those {_CHOSEN.get(found.choose, found.choose)}: "
        f"{metric} from {decimal(first.quality)} to {decimal(last.quality)} on {count(found.rows)} validation rows, "
        f"{signed(points, 1)} points for {count(requests)} requests{rate}. {_end(report)}"
    )


def _end(report: Report) -> str:
    assert report.rounds is not None, "asked of reports with rounds"
    caveat = "" if report.rounds.by_references else " Right is what the teacher answered, where a row has no reference."
    return f"No other round began: {report.rounds.stopped}.{caveat}"


def rounds_markdown(report: Report) -> str:
    """Return the rounds as a Markdown table with its sentence; empty for a run without rounds."""
    rows = round_rows(report)
    return f"{cell(rounds_text(report))}\n\n{table(HEADER, rows)}" if rows else ""
