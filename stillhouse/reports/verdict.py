"""The sentences a reader decides by: how much quality the student keeps, and whether a teacher was needed at all."""

from dataclasses import dataclass
from typing import Literal

from stillhouse.evaluation.roles import WITHOUT_TEACHER, ModelRole
from stillhouse.reports.build import quality_value
from stillhouse.reports.numbers import NOT_MEASURED, decimal, interval, metric_name, p_value, percent, signed
from stillhouse.reports.schema.models import Gain, Model
from stillhouse.reports.schema.report import Report

Outcome = Literal["wins", "loses", "unclear", "unknown"]

_WORDS = {
    ModelRole.STUDENT_LABELLED_ONLY: "the same student trained on the labelled rows alone for equal steps",
    ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF with logistic regression on the labelled rows",
}
_OPENINGS = {
    "wins": "The student beats",
    "loses": "The student loses to",
    "unclear": "No clear difference from",
    "unknown": "Without an interval, not tested against",
}


@dataclass(frozen=True)
class Entry:
    """One measured model of the comparison."""

    role: ModelRole
    model: Model
    is_better_baseline: bool = False


@dataclass(frozen=True)
class Verdict:
    """The student against one way without a teacher: the outcome, and a sentence with its numbers."""

    role: ModelRole
    outcome: Outcome
    text: str


def entries(report: Report) -> list[Entry]:
    """Return the measured models, student first; `baseline` only if the entry it repeats is missing."""
    measured = []
    which = report.models.baseline.which if report.models.baseline else None
    repeated = bool(which and getattr(report.models, which, None))
    for role in ModelRole:
        model: Model | None = getattr(report.models, role)
        if model is not None and not (role is ModelRole.BASELINE and repeated):
            measured.append(Entry(role, model, role == which or role is ModelRole.BASELINE))
    return measured


def headline(report: Report) -> str:
    """Return the run in one sentence: accuracy kept, latency, and the gain over the better baseline."""
    comparison, metric = report.comparison, metric_name(report.comparison.primary_metric)
    if comparison.quality_retained is None:
        return f"How much of the teacher's {metric} the student keeps was not measured."
    sentence = f"The student keeps {percent(comparison.quality_retained)} of the teacher's {metric}"
    if comparison.latency_reduction is not None:
        sentence += f" at {percent(1 - comparison.latency_reduction)} of its latency"
    gain = comparison.gain_over_baseline
    if gain is None or gain.value is None:
        return sentence + "." + _better_without(report)
    versus = "over" if gain.value >= 0 else "against"
    sentence += f"; {signed(gain.value, 2)} {versus} the better baseline {interval(gain.low, gain.high, 2)}"
    return sentence.strip() + "." + _better_without(report)


def alternative_verdicts(report: Report) -> list[Verdict]:
    """Return the verdict against each way without a teacher, also if the student loses."""
    measured = [role for role in WITHOUT_TEACHER if getattr(report.models, role)]
    return [_verdict(report, role, _WORDS[role]) for role in measured]


def conclusion(report: Report) -> str:
    """Return in one sentence whether the student beats the ways without a teacher."""
    verdicts = alternative_verdicts(report)
    if not verdicts or all(verdict.outcome == "unknown" for verdict in verdicts):
        return "Not measured: this run has no tested comparison with a way without a teacher."
    if any(verdict.outcome == "loses" for verdict in verdicts):
        return "No. A way without any teacher does better on these test rows; use it, or give the student more."
    if all(verdict.outcome == "wins" for verdict in verdicts):
        return "Yes. The student beats what the labelled rows alone could give."
    return "Not shown. The student is not clearly better than every way without a teacher on these test rows."


def outcome_of(gain: Gain | None) -> Outcome:
    """Return what a gain's interval says: wins above 0, loses below 0, unclear across it, unknown without one."""
    if gain is None or gain.low is None or gain.high is None:
        return "unknown"
    if gain.low > 0:
        return "wins"
    return "loses" if gain.high < 0 else "unclear"


def gain_text(gain: Gain | None, digits: int = 3) -> str:
    """Return `+0.095 [0.058, 0.133], p < 0.001`, or "not measured"."""
    if gain is None or gain.value is None:
        return NOT_MEASURED
    value = f"{signed(gain.value, digits)} {interval(gain.low, gain.high, digits)}".strip()
    return ", ".join(filter(None, (value, p_value(gain.p_value))))


def _better_without(report: Report) -> str:
    """Return the sentence that names the ways without a teacher that beat the student; empty if there are none."""
    better = [_WORDS[verdict.role] for verdict in alternative_verdicts(report) if verdict.outcome == "loses"]
    return f" But it loses to {' and to '.join(better)}." if better else ""


def _verdict(report: Report, role: ModelRole, what: str) -> Verdict:
    gain = report.comparison.gain_over.get(role) or _plain_gain(report, role)
    outcome = outcome_of(gain)
    if gain is None or gain.value is None:
        return Verdict(role, outcome, f"Against {what}: {NOT_MEASURED}.")
    metric = metric_name(report.comparison.primary_metric)
    says = _OPENINGS[outcome]
    mine = decimal(quality_value(report.models.student, report.comparison.primary_metric))
    theirs = decimal(quality_value(getattr(report.models, role), report.comparison.primary_metric))
    return Verdict(role, outcome, f"{says} {what}: {metric} {mine} against {theirs}, {gain_text(gain)}.")


def _plain_gain(report: Report, role: ModelRole) -> Gain | None:
    """Return the difference without an interval, if none was computed; it never counts as a win."""
    metric = report.comparison.primary_metric
    mine, theirs = quality_value(report.models.student, metric), quality_value(getattr(report.models, role), metric)
    if mine is None or theirs is None:
        return None
    return Gain(value=mine - theirs, low=None, high=None, p_value=None)
