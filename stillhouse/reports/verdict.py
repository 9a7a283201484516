"""The sentences a reader decides by: how much quality the student keeps, and whether a teacher was needed at all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from stillhouse.evaluation.roles import OTHER_LEARNERS, WITHOUT_TEACHER, ModelRole
from stillhouse.reports.build import quality_value
from stillhouse.reports.entries import missing_models
from stillhouse.reports.numbers import NOT_MEASURED, decimal, interval, metric_name, p_value, percent, signed
from stillhouse.reports.resolution import too_few_rows
from stillhouse.reports.schema.models import CommonestLabel, Gain
from stillhouse.reports.schema.report import Report

Outcome = Literal["wins", "loses", "unclear", "unknown"]
Decision = Literal["yes", "no", "not shown", "not measured"]

_WORDS = {
    ModelRole.STUDENT_LABELLED_ONLY: "the same student trained on the labelled rows alone",
    ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF with logistic regression on the labelled rows",
    ModelRole.ENCODER_LOGISTIC_REGRESSION: "a frozen sentence encoder with logistic regression on the labelled rows",
    ModelRole.NEAREST_LABELLED_ANSWER: "the answer of the most similar labelled row",
    ModelRole.OPENING_OF_TEXT: "the text's own first words",
    ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "TF-IDF with logistic regression on the same training examples",
    ModelRole.ENCODER_ON_TRAINING_EXAMPLES: "a frozen sentence encoder with logistic regression on the same training "
    "examples",
}
_OPENINGS = {
    "wins": "The student beats",
    "loses": "The student loses to",
    "unclear": "No clear difference from",
    "unknown": "Not tested against",
}


@dataclass(frozen=True)
class Verdict:
    """The student against one alternative: the outcome after correction, and a sentence with its numbers."""

    what: str  # the alternative in words
    outcome: Outcome
    text: str


def headline(report: Report) -> str:
    """Return the run in one sentence: accuracy kept, latency, and the gain over the better baseline."""
    comparison, metric = report.comparison, metric_name(report.comparison.primary_metric)
    if comparison.quality_retained is None:
        return f"How much of the teacher's {metric} the student keeps was not measured."
    kept = _percent_with(comparison.quality_retained, comparison.quality_retained_low, comparison.quality_retained_high)
    sentence = f"{_subject(report)} keeps {kept} of the teacher's {metric}"
    if comparison.latency_reduction is not None:
        ends = (comparison.latency_reduction_high, comparison.latency_reduction_low)
        low, high = (None if end is None else 1 - end for end in ends)
        sentence += f" at {_percent_with(1 - comparison.latency_reduction, low, high)} of its latency"
    gain = comparison.gain_over_baseline
    if gain is None or gain.value is None:
        return sentence + "." + _better_without(report)
    versus = "over" if gain.value >= 0 else "against"
    sentence += f"; {signed(gain.value, 2)} {versus} the better baseline {interval(gain.low, gain.high, 2)}"
    return sentence.strip() + "." + _better_without(report)


def alternative_verdicts(report: Report) -> list[Verdict]:
    """Return the verdict against each way without a teacher, also if the student loses.

    One answer for every row is such a way where it reaches what the others do: rows of one label are common then, and
    labelled rows need not tell.
    """
    found = [_verdict(report, role) for role in WITHOUT_TEACHER if getattr(report.models, role)]
    one = report.comparison.commonest_label
    return [*found, _one_answer(report, one)] if one and _is_strongest(report, one) else found


def learner_verdicts(report: Report) -> list[Verdict]:
    """Return the verdict against each other learner of the student's own training examples."""
    return [_verdict(report, role) for role in OTHER_LEARNERS if getattr(report.models, role)]


def decide(outcomes: Collection[Outcome]) -> Decision:
    """Return whether a teacher was worth it, from the student's corrected outcomes against the ways without one.

    A yes needs a win against each of them, so it is wrong no more often than one test is.
    """
    tested = [outcome for outcome in outcomes if outcome != "unknown"]
    if not tested:
        return "not measured"
    if "loses" in tested:
        return "no"
    return "yes" if all(outcome == "wins" for outcome in outcomes) else "not shown"


def conclusion(report: Report) -> str:
    """Return in plain words whether the student beats the ways without a teacher, and which would do as well."""
    verdicts = alternative_verdicts(report)
    decision = decide([verdict.outcome for verdict in verdicts])
    named = _named([one for one in verdicts if one.outcome == ("loses" if decision == "no" else "unclear")])
    strongest = report.comparison.strongest_alternative
    text = {
        "not measured": "Not measured: this run has no tested comparison with a way without a teacher.",
        "no": f"No. Without any teacher, more is reached on these test rows by {named}; use that, or give the student "
        "more.",
        "not shown": f"Not shown. Without any teacher, as much is reached by {named or 'a way that was not tested'}, "
        "as far as these test rows can show.",
        "yes": "Yes. The student beats every way without a teacher that was measured"
        + (f"; the strongest is {_strongest(report, ModelRole(strongest))}." if strongest else "."),
    }[decision]
    why = missing_models(report).get(ModelRole.ENCODER_LOGISTIC_REGRESSION)
    text += f" A sentence encoder, often the strongest way, was not measured: {why}." if why else ""
    few = "" if decision == "yes" else too_few_rows(report)
    return f"{text} {few}".strip()


def data_conclusion(report: Report) -> str:
    """Return what the student's training examples are worth to other learners; empty if none was measured."""
    verdicts = learner_verdicts(report)
    if not verdicts:
        return ""
    metric = report.comparison.primary_metric
    values = [
        f"{_words(report, role)} {decimal(quality_value(getattr(report.models, role), metric))}"
        for role in OTHER_LEARNERS
        if getattr(report.models, role)
    ]
    reached = (
        f"What the training examples alone are worth, whoever learns them: {', '.join(values)}; the student "
        f"{decimal(quality_value(report.student, metric))}."
    )
    better, equal = (_named([one for one in verdicts if one.outcome == way]) for way in ("loses", "unclear"))
    says = [f"More than the student is reached by {better}."] if better else []
    says += [f"As much as by the student is reached by {equal}, as far as these test rows can show."] if equal else []
    return " ".join([reached, *says])


def corrected_outcome(gain: Gain | None, confidence: float) -> Outcome:
    """Return what a gain says after the correction for its family; unknown without a corrected p-value."""
    if gain is None or gain.value is None or gain.p_corrected is None:
        return "unknown"
    if gain.p_corrected > 1 - confidence or gain.value == 0:
        return "unclear"
    return "wins" if gain.value > 0 else "loses"


def outcome_of(gain: Gain | None) -> Outcome:
    """Return what a gain's interval says: wins above 0, loses below 0, unclear across it, unknown without one."""
    if gain is None or gain.low is None or gain.high is None:
        return "unknown"
    if gain.low > 0:
        return "wins"
    return "loses" if gain.high < 0 else "unclear"


def gain_text(gain: Gain | None, digits: int = 3) -> str:
    """Return `+0.095 [0.058, 0.133], p < 0.001, shows from 0.055`, or "not measured"."""
    if gain is None or gain.value is None:
        return NOT_MEASURED
    value = f"{signed(gain.value, digits)} {interval(gain.low, gain.high, digits)}".strip()
    corrected = p_value(gain.p_corrected)
    shows = "" if gain.smallest is None else f"shows from {decimal(gain.smallest, digits)}"
    parts = (value, p_value(gain.p_value), f"corrected {corrected}" if corrected else "", shows)
    return ", ".join(filter(None, parts))


def _subject(report: Report) -> str:
    """Return which student all sentences are about, as the beginning of the first."""
    students, chosen = report.students, report.comparison.best_student
    if len(students) < 2:
        return "The student"
    how = f"best of {len(students)} on validation rows" if chosen else f"the first of {len(students)}"
    return f"The student “{students[report.comparison.student].name}”, {how},"


def _words(report: Report, role: ModelRole) -> str:
    """Return an alternative in words."""
    is_other = role is ModelRole.STUDENT_LABELLED_ONLY and report.comparison.student != ModelRole.STUDENT
    return "the main student trained on the labelled rows alone" if is_other else _WORDS[role]


def _percent_with(value: float, low: float | None, high: float | None) -> str:
    return percent(value) if low is None or high is None else f"{percent(value)} [{percent(low)}, {percent(high)}]"


def _better_without(report: Report) -> str:
    """Return the sentence that names the ways without a teacher that beat the student; empty if there are none."""
    better = _named([verdict for verdict in alternative_verdicts(report) if verdict.outcome == "loses"])
    return f" But it loses to {better}." if better else ""


def _named(verdicts: Sequence[Verdict]) -> str:
    return " and ".join(verdict.what for verdict in verdicts)


def _is_strongest(report: Report, one: CommonestLabel) -> bool:
    """Return whether one answer for every row reaches what the strongest way without a teacher does."""
    strongest = report.comparison.strongest_alternative
    reached = quality_value(getattr(report.models, strongest), report.comparison.primary_metric) if strongest else None
    return reached is not None and one.quality >= reached


def _strongest(report: Report, role: ModelRole) -> str:
    one = report.comparison.commonest_label
    return _one_label(one) if one and _is_strongest(report, one) else _words(report, role)


def _one_label(one: CommonestLabel) -> str:
    return f"the answer “{one.label}” for every row"


def _one_answer(report: Report, one: CommonestLabel) -> Verdict:
    """Return the verdict against one answer for all rows: the best on these very rows, so it needs no correction."""
    return _against(report, _one_label(one), one.gain_over, one.quality, outcome_of(one.gain_over))


def _verdict(report: Report, role: ModelRole) -> Verdict:
    gain, what = report.comparison.gain_over.get(role) or _plain_gain(report, role), _words(report, role)
    outcome = corrected_outcome(gain, report.comparison.confidence)
    theirs = quality_value(getattr(report.models, role), report.comparison.primary_metric)
    return _against(report, what, gain, theirs, outcome)


def _against(report: Report, what: str, gain: Gain | None, theirs: float | None, outcome: Outcome) -> Verdict:
    if gain is None or gain.value is None:
        return Verdict(what, outcome, f"Against {what}: {NOT_MEASURED}.")
    metric = metric_name(report.comparison.primary_metric)
    mine = decimal(quality_value(report.student, report.comparison.primary_metric))
    numbers = f"{metric} {mine} against {decimal(theirs)}, {gain_text(gain)}"
    return Verdict(what, outcome, f"{_OPENINGS[outcome]} {what}: {numbers}.")


def _plain_gain(report: Report, role: ModelRole) -> Gain | None:
    """Return the difference without an interval, if none was computed; it never counts as a win."""
    metric = report.comparison.primary_metric
    mine, theirs = quality_value(report.student, metric), quality_value(getattr(report.models, role), metric)
    if mine is None or theirs is None:
        return None
    return Gain(value=mine - theirs, low=None, high=None, p_value=None)
