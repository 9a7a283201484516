"""The charts of a sweep: what mattered, and score against latency with the trials that none beats."""

import altair as alt

from stillhouse.reports.numbers import metric_name, percent
from stillhouse.reports.plots import INK, MUTED, OTHER, ROW, STUDENT, WIDTH, inline_data, svg
from stillhouse.reports.schema.sweep import SweepResult
from stillhouse.reports.sweep_text import field_names

_HEIGHT = 230


def importance_chart(sweep: SweepResult) -> str | None:
    """Return a bar for each field's share of the scores' variance; None if it is not known."""
    if not sweep.importances:
        return None
    # whole paths would be cut off
    fields = field_names(sweep.importances)
    rows = [{"field": fields[at], "share": one, "text": percent(one)} for at, one in sweep.importances.items()]
    names = alt.Y("field:N", title=None, sort=list(fields.values()))
    base = alt.Chart(inline_data(rows)).encode(y=names)
    scale = alt.Scale(domain=[0.0, 1.0])
    bars = base.mark_bar(size=14, cornerRadiusEnd=2, color=OTHER).encode(
        x=alt.X("share:Q", title=None, scale=scale, axis=alt.Axis(format=".0%", tickCount=5))
    )
    text = base.mark_text(align="right", color=MUTED).encode(x=alt.value(WIDTH + 44), text="text:N")
    return svg(alt.layer(bars, text), "importance", ROW * len(rows))


def front_chart(sweep: SweepResult) -> str | None:
    """Return each complete trial's score by its latency, those on the front in colour; None if none was timed."""
    rows = [
        {
            "latency": 1000 * trial.latency_s,
            "score": trial.score,
            "kind": "not beaten" if trial.on_front else "beaten",
            "number": str(trial.number),
        }
        for trial in sweep.trials
        if trial.score is not None and trial.latency_s is not None
    ]
    if not rows:
        return None
    loose = alt.Scale(zero=False, nice=True)
    base = alt.Chart(inline_data(rows)).encode(
        x=alt.X("latency:Q", title="p50 of a request, ms", scale=loose, axis=alt.Axis(tickCount=5)),
        y=alt.Y("score:Q", title=metric_name(sweep.metric), scale=loose, axis=alt.Axis(tickCount=5)),
    )
    kinds = alt.Scale(domain=["not beaten", "beaten"], range=[STUDENT, OTHER])
    legend = alt.Legend(orient="top", title=None)
    points = base.mark_point(filled=True, size=70, opacity=0.9).encode(
        color=alt.Color("kind:N", scale=kinds, legend=legend)
    )
    names = base.mark_text(align="left", dx=7, color=INK).encode(text="number:N")
    return svg(alt.layer(points, names), "front", _HEIGHT)
