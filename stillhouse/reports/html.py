"""The report as one HTML file that opens offline: it loads no script, font or image.

Every value goes through the template's autoescape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stillhouse.reports import export_text, numbers, plots, rounds, students
from stillhouse.reports.cascade_plots import cascade_chart, reliability_chart
from stillhouse.reports.cascade_text import cascade_text, certainty_text, other_cascade_texts
from stillhouse.reports.champion import champion_text
from stillhouse.reports.combination import combination_text
from stillhouse.reports.entries import entries, missing_models
from stillhouse.reports.gate_text import gate_rows, gate_sentence, looks_text
from stillhouse.reports.label_worth_chart import label_worth_chart
from stillhouse.reports.label_worth_text import label_worth_text
from stillhouse.reports.ledger import COLUMNS, break_even_text, ledger_rows
from stillhouse.reports.licences import licence_rows
from stillhouse.reports.numbers import NOT_MEASURED
from stillhouse.reports.schema.models import Model
from stillhouse.reports.schema.report import Confusion, Report
from stillhouse.reports.seeds import seeds_text
from stillhouse.reports.slice_text import HEADER as SLICE_HEADER
from stillhouse.reports.slice_text import against_teacher, slice_rows, worst_slice
from stillhouse.reports.starting_point import starting_lines, starting_text
from stillhouse.reports.sweep_page import section_of
from stillhouse.reports.sweep_text import scores_text
from stillhouse.reports.tables import judge_rows, metric_names, unmeasured_text
from stillhouse.reports.teachers import HEADER, teacher_rows
from stillhouse.reports.teaching_text import preferences_text, reasoning_text
from stillhouse.reports.verdict import (
    alternative_verdicts,
    conclusion,
    data_conclusion,
    gain_text,
    headline,
    learner_verdicts,
    outcome_of,
)

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Figure:
    """One number at the top of the page, with its label and a note under it."""

    label: str
    value: str
    note: str


def render_html(report: Report) -> str:
    """Return report.html: a whole page with its style and its charts inside."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    gain = report.comparison.gain_over_baseline
    environment.filters["starting_text"] = starting_text
    environment.filters.update({name: getattr(numbers, name) for name in _FILTERS})
    environment.filters.update(gate_rows=gate_rows, gate_sentence=gate_sentence, looks_text=looks_text)
    return environment.get_template("report.html.j2").render(
        report=report,
        headline=headline(report),
        figures=key_figures(report),
        entries=entries(report),
        metrics=metric_names(report),
        unmeasured=unmeasured_text(report),
        conclusion=conclusion(report),
        verdicts=alternative_verdicts(report),
        champion=champion_text(report),
        combination=combination_text(report),
        data_conclusion=data_conclusion(report),
        learners=learner_verdicts(report),
        label_worth=label_worth_text(report),
        missing=missing_models(report),
        against_teacher=against_teacher(report),
        seeds=seeds_text(report),
        worst_slice=worst_slice(report),
        slice_header=SLICE_HEADER,
        slice_rows=slice_rows(report),
        slice_kinds=", ".join(dict.fromkeys(one.kind for one in report.slices.table)) if report.slices else "",
        round_header=rounds.HEADER,
        round_rows=rounds.round_rows(report),
        rounds_text=rounds.rounds_text(report),
        gain=gain_text(gain) if gain else "",
        gain_outcome=outcome_of(gain),
        student_header=students.HEADER,
        student_rows=students.student_rows(report),
        export_header=export_text.HEADER,
        export_rows=export_text.export_rows(report),
        export_refusals=export_text.refusals(report),
        best_student=students.best_student_text(report),
        starting_lines=starting_lines(report),
        teacher_header=HEADER,
        teachers=teacher_rows(report.generation),
        reasoning=reasoning_text(report.filter.reasoning if report.filter else None),
        second_step=preferences_text(report.training, report.filter),
        judged=judge_rows(report.judge) if report.judge else [],
        licences=licence_rows(report),
        ledger_columns=COLUMNS,
        ledger_rows=ledger_rows(report.ledger) if report.ledger else [],
        break_even=break_even_text(report.ledger) if report.ledger else "",
        cascade=cascade_text(report),
        other_cascades=other_cascade_texts(report),
        certainty=certainty_text(report),
        charts=_charts(report),
        confusions=most_confused(report.confusion) if report.confusion else [],
        recipe_yaml=yaml.safe_dump(report.recipe, sort_keys=False, allow_unicode=True),
        **section_of(report.sweep, scores_text(report)) | {"not_measured": NOT_MEASURED},
    )


def key_figures(report: Report) -> list[Figure]:
    """Return the six numbers a reader looks for first."""
    comparison = report.comparison
    metric, gain = numbers.metric_name(comparison.primary_metric), comparison.gain_over_baseline
    retained = numbers.interval(comparison.quality_retained_low, comparison.quality_retained_high, 2)
    engine = report.student.engine_floor_bytes if report.student else None
    floor = f"; engine alone {numbers.size(engine)}" if engine else ""
    weights = "" if comparison.weight_reduction is None else f"; weights {_change(comparison.weight_reduction)}"
    latency = _pair(report, lambda model: numbers.milliseconds(model.latency_ms.p50 if model.latency_ms else None))
    if comparison.latency_reduction_low is not None and comparison.latency_reduction_high is not None:
        bounds = (_change(comparison.latency_reduction_high), _change(comparison.latency_reduction_low))
        latency += f"; [{', '.join(bounds)}]"
    if comparison.latency_reduction_uncached is not None:
        latency += f"; {_change(comparison.latency_reduction_uncached)} with no prefix cached"
    throughput = _pair(report, lambda model: numbers.rate(model.requests_per_second))
    memory = _pair(report, lambda model: numbers.size(model.peak_memory_bytes))
    cost = _pair(report, lambda model: numbers.dollars(model.cost_usd_per_1k_requests))
    over = (numbers.interval(gain.low, gain.high, 2), numbers.p_value(gain.p_value)) if gain else ()
    return [
        Figure(f"of the teacher's {metric} kept", numbers.percent(comparison.quality_retained), retained),
        Figure(
            "over the better baseline", numbers.signed(gain.value if gain else None, 2), ", ".join(filter(None, over))
        ),
        Figure("latency (p50)", _change(comparison.latency_reduction), latency),
        Figure("requests per second", _times(comparison.throughput_ratio), throughput),
        Figure("peak memory", _change(comparison.memory_reduction), memory + floor + weights),
        Figure("cost of 1,000 requests", _change(comparison.cost_reduction), cost),
    ]


def most_confused(confusion: Confusion, most: int = 8) -> list[tuple[int, str, str]]:
    """Return (rows, reference, answer) of the most frequent mistakes, most rows first."""
    pairs = [
        (number, label, other)
        for label, counts in zip(confusion.labels, confusion.matrix, strict=True)
        for other, number in zip(confusion.labels, counts, strict=True)
        if number and label != other
    ]
    return sorted(pairs, key=lambda pair: -pair[0])[:most]


_FILTERS = (
    *(
        "count",
        "decimal",
        "soft_labels",
        "logits",
        "signed",
        "percent",
        "interval",
        "rate",
        "milliseconds",
        "seconds",
        "size",
    ),
    *("parameters", "dollars", "p_value", "metric_name"),
)


def _charts(report: Report) -> dict[str, Markup | None]:
    svgs = {
        "quality": plots.quality_chart(report),
        "latency": plots.latency_chart(report),
        "funnel": plots.funnel_chart(report.funnel),
        "curves": plots.curves_chart(report.curves),
        "reliability": reliability_chart(report.comparison.certainty) if report.comparison.certainty else None,
        "cascade": cascade_chart(report) if report.comparison.cascade else None,
        "label_worth": label_worth_chart(report),
        "confusion": plots.confusion_chart(report.confusion) if report.confusion else None,
    }
    # vl-convert escapes every text in the SVG; a test checks it
    return {name: Markup(svg) if svg else None for name, svg in svgs.items()}


def _change(reduction: float | None) -> str:
    if reduction is None:
        return NOT_MEASURED
    return numbers.percent(-reduction) if reduction >= 0 else f"+{numbers.percent(-reduction)}"


def _times(ratio: float | None) -> str:
    return NOT_MEASURED if ratio is None else f"{numbers.decimal(ratio, 1)}×"


def _pair(report: Report, measure: Callable[[Model], str]) -> str:
    student, teacher = report.student, report.models.teacher
    mine, theirs = (measure(model) if model else NOT_MEASURED for model in (student, teacher))
    return "" if mine == theirs == NOT_MEASURED else f"{mine} against {theirs}"
