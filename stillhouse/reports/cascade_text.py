"""Sentences about the student's certainty, and about handing back to the teacher what it is not sure of."""

from stillhouse.reports.numbers import decimal, interval, metric_name, milliseconds, percent, signed
from stillhouse.reports.schema.models import Cascade, Gain
from stillhouse.reports.schema.report import Report

_OF = {
    "usd": "of the teacher's cost",
    "time": "of the teacher's time",
    "requests": "of the teacher's requests (the student's own cost is not known)",
}


def cascade_text(report: Report) -> str:
    """Return what the student with its teacher behind it reaches, or why that is not known; empty without a student."""
    metric = metric_name(report.comparison.primary_metric)
    return _text("the student", metric, report.comparison.cascade, report.comparison.not_measured.get("cascade", ""))


def other_cascade_texts(report: Report) -> list[str]:
    """Return the same of each other student."""
    metric = metric_name(report.comparison.primary_metric)
    others = [one for role, one in report.students.items() if role != report.comparison.student]
    return [_text(one.name, metric, one.cascade, one.why_no_cascade) for one in others]


def _text(student: str, metric: str, found: Cascade | None, why: str) -> str:
    if found is None:
        return f"Handing rows of {student} back to the teacher was not measured: {why}." if why else ""
    if found.chosen_by == "quality" and found.threshold == 0:
        return (
            f"On validation rows {student} does best by itself: there nothing is gained by handing back to the teacher "
            "what it is not sure of, at any cost that evaluation.cascade_max_cost allows."
        )
    how = {
        "cost": "was chosen on validation rows",
        "quality": "does best on validation rows of those that evaluation.cascade_max_cost allows",
    }[found.chosen_by]
    time = f", {milliseconds(found.latency_ms)} a request on average" if found.latency_ms is not None else ""
    return (
        f"Handing back the {percent(found.handed_back)} of the test rows on which it is less than "
        f"{percent(found.threshold)} sure, {student} with its teacher behind it reaches {metric} "
        f"{decimal(found.quality.value)} {interval(found.quality.low, found.quality.high)} at "
        f"{percent(found.relative_cost)} {_OF[found.cost_of]}{time}: {_gain(found.gain_over_teacher)} against the "
        f"teacher alone, {_gain(found.gain_over_student)} against the student alone. The threshold {how}."
    )


def certainty_text(report: Report) -> str:
    """Return how far the student's certainty is from how often it is right; empty if it was not measured."""
    found = report.comparison.certainty
    if found is None:
        return ""
    by_teacher = found.rows - found.with_reference
    what = "references" if not by_teacher else "the teacher's answers" if not found.with_reference else (
        f"{found.with_reference} references and {by_teacher} answers of the teacher"
    )  # fmt: skip
    caveat = ", so that certainty is of agreeing with it" if by_teacher else ""
    return (
        f"On the test rows the student's certainty is {percent(found.error, 1)} from how often it is right (expected "
        f"calibration error; {percent(found.error_before, 1)} before it was divided by the temperature "
        f"{decimal(found.temperature, 2)}). The temperature is from {found.rows} validation rows with {what}{caveat}."
    )


def _gain(gain: Gain) -> str:
    value = "–" if gain.value is None else signed(gain.value, 3)
    return f"{value} {interval(gain.low, gain.high)}".strip()
