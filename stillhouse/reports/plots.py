"""The report's charts as inline SVG: quality, latency, learning curves, confusion matrix and rows by stage.

The colours are stand-ins that report.css maps to the light and the dark theme. The SVG holds no script and loads
nothing.
"""

import itertools
import re
from collections.abc import Iterable
from typing import Any

import altair as alt
import vl_convert

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.entries import Entry, entries
from stillhouse.reports.numbers import count, decimal, milliseconds
from stillhouse.reports.schema.data import CurvePoint, FunnelStep
from stillhouse.reports.schema.report import Confusion, Report

INK, MUTED, LINE, ON_ACCENT = "#1d1d1f", "#6e6e73", "#dcdcde", "#fefefe"
STUDENT, TEACHER, OTHER, DROPPED = "#b4541a", "#2f6690", "#8a8f98", "#c9a227"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
WIDTH = 330
ROW = 26
LABELLED_CELLS = 20  # larger matrices show colour only: counts would not be legible


def quality_chart(report: Report) -> str | None:
    """Return the primary metric of every model with its interval, or None if none was measured."""
    metric = report.comparison.primary_metric
    rows: list[dict[str, Any]] = [
        {
            **_named(entry),
            "value": quality.value,
            "low": quality.low,
            "high": quality.high,
            "text": decimal(quality.value),
        }
        for entry in entries(report)
        if (quality := entry.model.quality.get(metric))
    ]
    if not rows:
        return None
    y = _names_axis("model", [row["model"] for row in rows])
    scale = alt.Scale(domain=[min(0.0, *(row["value"] for row in rows)), 1.0])
    base = alt.Chart(inline_data(rows)).encode(y=y)
    bars = base.mark_bar(size=14, cornerRadiusEnd=2).encode(x=_value_axis("value", scale, ".1f"), color=_role_colour())
    rules = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    caps = [
        base.mark_tick(color=INK, thickness=1.5, size=8).encode(x=f"{end}:Q").transform_filter(f"datum.{end} != null")
        for end in ("low", "high")
    ]
    text = base.mark_text(align="right", color=MUTED).encode(x=alt.value(WIDTH + 44), text="text:N")
    return svg(alt.layer(bars, rules, *caps, text), "quality", ROW * len(rows))


def latency_chart(report: Report) -> str | None:
    """Return p50 bars with p95 marks of every model, or None if none was measured."""
    rows: list[dict[str, Any]] = [
        {**_named(entry), "p50": latency.p50, "p95": latency.p95, "text": milliseconds(latency.p50)}
        for entry in entries(report)
        if (latency := entry.model.latency_ms) and latency.p50 is not None
    ]
    if not rows:
        return None
    base = alt.Chart(inline_data(rows)).encode(y=_names_axis("model", [row["model"] for row in rows]))
    bars = base.mark_bar(size=14, cornerRadiusEnd=2).encode(
        x=_value_axis("p50", alt.Scale(zero=True)), color=_role_colour()
    )
    line = base.mark_rule(color=MUTED, strokeDash=[2, 2]).encode(x="p50:Q", x2="p95:Q")
    mark = base.mark_tick(color=INK, thickness=2, size=12).encode(x="p95:Q").transform_filter("datum.p95 != null")
    text = base.mark_text(align="right", color=MUTED).encode(x=alt.value(WIDTH + 56), text="text:N")
    return svg(alt.layer(bars, line.transform_filter("datum.p95 != null"), mark, text), "latency", ROW * len(rows))


def curves_chart(points: Iterable[CurvePoint]) -> str | None:
    """Return training and validation loss over steps, or None if no loss was recorded."""
    names = {"train_loss": "training", "validation_loss": "validation"}
    rows = [
        {"step": point.step, "loss": loss, "series": series}
        for point in points
        for field, series in names.items()
        if (loss := getattr(point, field)) is not None
    ]
    if not rows:
        return None
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(names.values()), range=[OTHER, STUDENT]),
        legend=alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3),
    )
    base = alt.Chart(inline_data(rows)).encode(
        x=alt.X("step:Q", title="optimizer step", axis=alt.Axis(tickCount=6, tickMinStep=1, grid=False)),
        y=alt.Y("loss:Q", title="loss", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        color=colour,
    )
    dots = base.mark_point(filled=True, size=36, opacity=1).transform_filter("datum.series == 'validation'")
    return svg(alt.layer(base.mark_line(strokeWidth=2), dots), "curves", 230, WIDTH + 100)


def confusion_chart(confusion: Confusion) -> str | None:
    """Return the confusion matrix, each row shaded by its share of the reference's rows; None without labels."""
    if not confusion.labels:
        return None
    rows = [
        {"reference": label, "answer": other, "count": number, "share": number / max(1, sum(counts))}
        for label, counts in zip(confusion.labels, confusion.matrix, strict=True)
        for other, number in zip(confusion.labels, counts, strict=True)
    ]
    has_room = len(confusion.labels) <= LABELLED_CELLS
    cell = 44 if has_room else 14
    room = 14 + 7.6 * max(map(len, confusion.labels))
    top = alt.Axis(
        orient="top", labelAngle=-40 if has_room else -90, title=f"{confusion.model}'s answer", labelOverlap=False
    )
    base = alt.Chart(inline_data(rows)).encode(
        x=alt.X("answer:N", sort=None, axis=top),
        y=alt.Y("reference:N", sort=None, title="reference", axis=alt.Axis(labelOverlap=False, minExtent=room)),
    )
    shade = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None)
    chart = alt.layer(base.mark_rect(color=STUDENT, stroke=LINE, strokeWidth=0.5).encode(opacity=shade))
    if has_room:
        light = alt.condition("datum.share > 0.5", alt.value(ON_ACCENT), alt.value(INK))
        text = base.mark_text().encode(text="count:Q", color=light).transform_filter("datum.count > 0")
        chart = alt.layer(chart, text)
    return svg(chart, "confusion", cell * len(confusion.labels), cell * len(confusion.labels))


def funnel_chart(steps: Iterable[FunnelStep]) -> str | None:
    """Return rows kept and dropped at each stage, or None without stages."""
    rows: list[dict[str, Any]] = []
    for order, step in enumerate(steps):
        dropped = sum(step.dropped.values())
        text = count(step.out) + (f"  (−{count(dropped)})" if dropped else "")
        for part, number, label in (("kept", step.out, text), ("dropped", dropped, "")):
            rows.append({"stage": f"{order}|{step.stage}", "part": part, "rows": number, "text": label})
    if not rows:
        return None
    scale = alt.Scale(domain=["kept", "dropped"], range=[TEACHER, DROPPED])
    base = alt.Chart(inline_data(rows)).encode(
        y=_names_axis(
            "stage", [row["stage"] for row in rows], labelExpr="slice(datum.label, indexof(datum.label, '|') + 1)"
        )
    )
    bars = base.mark_bar(size=14).encode(
        x=_value_axis("rows", alt.Scale(zero=True)),
        order=alt.Order("part:N", sort="descending"),
        color=alt.Color("part:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
    )
    text = base.mark_text(align="right", color=MUTED).encode(x=alt.value(WIDTH + 84), text="text:N")
    return svg(alt.layer(bars, text), "funnel", ROW * len(rows) // 2)


def _names_axis(field: str, names: list[str], **axis: Any) -> alt.Y:
    """Return a y axis with room for its longest name, also in fonts wider than the one measured here."""
    room = 14 + 7.6 * max(len(name) for name in names)
    return alt.Y(f"{field}:N", sort=None, title=None, axis=alt.Axis(minExtent=room, labelOverlap=False, **axis))


def inline_data(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Return `rows` as a chart's data."""
    return alt.InlineData(values=rows)


def _named(entry: Entry) -> dict[str, str]:
    return {
        "model": entry.role.short_label,
        "role": "student" if entry.is_compared else "teacher" if entry.role is ModelRole.TEACHER else "other",
    }


def _role_colour() -> alt.Color:
    scale = alt.Scale(domain=["student", "teacher", "other"], range=[STUDENT, TEACHER, OTHER])
    return alt.Color("role:N", scale=scale, legend=None)


def _value_axis(field: str, scale: alt.Scale, form: str = ",.0f") -> alt.X:
    return alt.X(f"{field}:Q", title=None, scale=scale, stack="zero" if field == "rows" else None,
                 axis=alt.Axis(tickCount=4, format=form, labelFlush=False))  # fmt: skip


def svg(chart: alt.LayerChart | alt.FacetChart, name: str, height: int, width: int = WIDTH) -> str:
    """Return the chart in the report's style, as SVG that may be put into a page."""
    text = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "titleColor": MUTED, "labelLimit": 0}
    axis = {**text, "titleFontWeight": "normal", "gridColor": LINE, "domainColor": LINE, "ticks": False}
    axis |= {"labelPadding": 6}
    spec = (
        chart.properties(width=width, height=height, background="transparent", padding=4)
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_axisY(domain=False)
        .configure_legend(labelColor=INK, labelFontSize=12, labelLimit=0)
        .configure_text(font=FONT, fontSize=12)
    )
    return _embeddable(vl_convert.vegalite_to_svg(spec.to_dict()), name)


def _embeddable(svg: str, name: str) -> str:
    """Return `svg` without namespace links and with unique ids, so that one page can hold several charts."""
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    for number, ident in zip(itertools.count(), sorted(set(re.findall(r'\bid="([^"]+)"', svg))), strict=False):
        svg = svg.replace(f'id="{ident}"', f'id="{name}-{number}"').replace(f"url(#{ident})", f"url(#{name}-{number})")
    return svg
