"""The charts of a student's certainty, and of handing back to the teacher what it is not sure of."""

from typing import Any

import altair as alt

from stillhouse.reports.numbers import metric_name
from stillhouse.reports.plots import MUTED, OTHER, STUDENT, TEACHER, WIDTH, inline_data, svg
from stillhouse.reports.schema.models import Certainty
from stillhouse.reports.schema.report import Report

_HEIGHT = 230


def reliability_chart(certainty: Certainty) -> str | None:
    """Return how often the student is right by how sure it is, or None without rows."""
    rows = [{"certainty": one.certainty, "right": one.right, "rows": one.rows} for one in certainty.reliability]
    if not rows:
        return None
    unit = alt.Scale(domain=[0, 1])
    ideal = (
        alt.Chart(inline_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(color=MUTED, strokeDash=[3, 3])
        .encode(x=alt.X("x:Q", scale=unit), y=alt.Y("y:Q", scale=unit))
    )
    base = alt.Chart(inline_data(rows)).encode(
        x=alt.X("certainty:Q", title="how sure", scale=unit, axis=alt.Axis(tickCount=5, format=".0%", grid=False)),
        y=alt.Y("right:Q", title="how often right", scale=unit, axis=alt.Axis(tickCount=5, format=".0%")),
    )
    dots = base.mark_point(filled=True, size=60, opacity=1, color=STUDENT)
    return svg(alt.layer(ideal, base.mark_line(color=STUDENT), dots), "reliability", _HEIGHT, WIDTH)


def cascade_chart(report: Report) -> str | None:
    """Return quality and cost by the share of test rows handed back, the chosen one marked; None if not measured."""
    found = report.comparison.cascade
    if found is None or not found.curve:
        return None
    names = {"quality": metric_name(report.comparison.primary_metric), "relative_cost": "cost, teacher = 1"}
    rows: list[dict[str, Any]] = [
        {"share": point.handed_back, "value": getattr(point, field), "series": name}
        for point in found.curve
        for field, name in names.items()
    ]
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(names.values()), range=[STUDENT, OTHER]),
        legend=alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3),
    )
    axis = alt.Axis(tickCount=5, format=".0%", grid=False)
    lines = alt.Chart(inline_data(rows)).mark_line(strokeWidth=2).encode(
        x=alt.X("share:Q", title="rows handed back", axis=axis),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5)),
        color=colour,
    )  # fmt: skip
    chosen = alt.Chart(inline_data([{"share": found.handed_back}])).mark_rule(color=TEACHER, strokeDash=[4, 3]).encode(
        x="share:Q"
    )  # fmt: skip
    return svg(alt.layer(lines, chosen), "cascade", _HEIGHT, WIDTH)
