"""Slices of the test rows and the models' agreement in words."""

from collections.abc import Sequence

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.numbers import count, decimal, interval, metric_name, p_value, percent, signed
from stillhouse.reports.schema.report import Report
from stillhouse.reports.schema.slices import Agreement, Slice
from stillhouse.reports.verdict import gain_text

HEADER = ("slice", "rows", "student", "teacher", "difference", "p", "corrected p")


def slice_rows(report: Report) -> list[list[str]]:
    """Return a row of text for each slice, the largest loss to the teacher first, under HEADER."""
    table = sorted(report.slices.table if report.slices else (), key=_loss)
    return [
        [
            f"{one.kind}: {one.name}",
            count(one.student.n),
            _with_interval(one.student.value, one.student.low, one.student.high),
            _with_interval(one.teacher.value, one.teacher.low, one.teacher.high),
            f"{signed(one.difference.value)} {interval(one.difference.low, one.difference.high)}".strip(),
            decimal(one.difference.p_value),
            decimal(one.difference.p_corrected),
        ]
        for one in table
    ]


def worst_slice(report: Report) -> str:
    """Return which slice the student loses most on and whether that can be chance, and which slices are too small."""
    slices = report.slices
    if slices is None or not (slices.table or slices.too_small):
        return ""
    small = ", ".join(f"{number} by {kind}" for kind, number in slices.too_small.items())
    note = f" Fewer than {slices.fewest_rows} rows, or of five groups, have {small}: nothing is said of them."
    return _worst(slices.table, slices.metric, report.comparison.confidence) + (note if small else "")


def _worst(table: Sequence[Slice], metric: str, confidence: float) -> str:
    if not table:
        return "No slice of the test rows is large enough to say anything."
    worst = min(table, key=_loss)
    if _loss(worst) >= 0:
        return f"The student is behind the teacher on none of {len(table)} slices, by {metric_name(metric)}."
    gap, corrected = worst.difference, worst.difference.p_corrected
    is_shown = corrected is not None and corrected <= 1 - confidence
    says = "more than chance explains" if is_shown else "as chance may have it"
    return (
        f"Furthest behind the teacher is the student on {worst.kind} “{worst.name}” ({count(worst.student.n)} rows): "
        f"{metric_name(metric)} {decimal(worst.student.value)} against {decimal(worst.teacher.value)}, "
        f"{signed(gap.value)} {interval(gap.low, gap.high)}, {p_value(corrected)} corrected for {len(table)} slices: "
        f"{says}."
    )


def against_teacher(report: Report) -> str:
    """Return the difference to the teacher, and how often both give the same answer; empty if not measured."""
    gain = report.comparison.gain_over.get(ModelRole.TEACHER)
    metric = metric_name(report.comparison.primary_metric)
    difference = f"Against the teacher: {metric} {gain_text(gain)}." if gain else ""
    return " ".join(filter(None, (difference, _agreement(report.agreement))))


def _agreement(found: Agreement | None) -> str:
    if found is None:
        return ""
    same = f"{percent(found.same.value)} [{percent(found.same.low)}, {percent(found.same.high)}]"
    text = f"Student and teacher give the same answer to {same} of the test rows."
    if not found.both_wrong:
        return text
    return (
        f"{text} Both are wrong on {count(found.both_wrong)}, {count(found.both_wrong_same)} of them in the same way."
    )


def _loss(one: Slice) -> float:
    return one.difference.value or 0.0


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    return f"{decimal(value)} {interval(low, high)}".strip()
