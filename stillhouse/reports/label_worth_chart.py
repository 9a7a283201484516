"""The chart of how many hand labels the teacher is worth: a learning curve, and the qualities it is compared with."""

from typing import Any

import altair as alt

from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.reports.numbers import decimal, metric_name
from stillhouse.reports.plots import INK, MUTED, OTHER, STUDENT, TEACHER, svg
from stillhouse.reports.schema.label_worth import Crossing, LabelWorth
from stillhouse.reports.schema.report import Report

_HEIGHT, _WIDTH = 230, 430
_NAME = 215  # room for a level's name


def label_worth_chart(report: Report) -> str | None:
    """Return the curves with the interval of their best, and a line for each quality; None without a curve."""
    worth = report.label_worth
    if worth is None or not worth.best:
        return None
    best = [{"labels": at.labels_a_class, "value": at.value, "low": at.low, "high": at.high} for at in worth.best]
    ticks = alt.Axis(values=[point["labels"] for point in best], format=".3~g", grid=False)
    scale = alt.Scale(type="log", base=2, nice=False, padding=8)
    x = alt.X("labels:Q", title="hand labels a class (log scale)", scale=scale, axis=ticks)
    base = alt.Chart(alt.InlineData(values=best)).encode(x=x)
    metric = metric_name(report.comparison.primary_metric)
    ends = {"y": _value("low", metric), "y2": "high:Q"}
    band = base.mark_area(color=OTHER, opacity=0.25).encode(**ends)
    bars = base.mark_rule(color=OTHER).encode(**ends)
    return svg(
        alt.layer(band, bars, _learners(worth, x, metric), *_levels(worth, metric)), "label-worth", _HEIGHT, _WIDTH
    )


def _learners(worth: LabelWorth, x: alt.X, metric: str) -> Any:
    """Return a line for each learner."""
    points = [
        {"labels": point.labels_a_class, "value": point.value, "learner": ModelRole(name).short_label}
        for name, curve in worth.learners.items()
        for point in curve
    ]
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=2)
    lines = alt.Chart(alt.InlineData(values=points)).mark_line(color=INK, point=alt.OverlayMarkDef(color=INK))
    return lines.encode(x=x, y=_value("value", metric), strokeDash=alt.StrokeDash("learner:N", legend=legend))


def _levels(worth: LabelWorth, metric: str) -> list[alt.Chart]:
    """Return a line and a name for each quality that the teacher-labelled examples gave."""
    shown: dict[str, Crossing] = {one.model: one for one in (worth.student, worth.best_taught) if one}
    charts = []
    for at, (model, one) in enumerate(shown.items()):
        role = ModelRole(model)
        row: dict[str, Any] = {"value": one.quality, "text": f"{role.short_label} {decimal(one.quality)}"}
        data = alt.Chart(alt.InlineData(values=[row])).encode(y=_value("value", metric))
        colour = STUDENT if role in STUDENTS else TEACHER
        name = data.mark_text(align="left", baseline="bottom", dy=-3, color=MUTED)
        charts += [
            data.mark_rule(color=colour, strokeWidth=2),
            name.encode(x=alt.value(4 + _NAME * at), text="text:N"),
        ]
    return charts


def _value(field: str, title: str) -> alt.Y:
    """Return the axis of quality, the same for all layers."""
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
