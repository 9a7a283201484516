"""Says in a sentence how many hand labels the teacher is worth."""

from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.reports.numbers import count, decimal, metric_name
from stillhouse.reports.schema.label_worth import Crossing, LabelWorth, NumLabels
from stillhouse.reports.schema.report import Report

_MOST_NAMED = 5
_WORDS = {
    **dict.fromkeys(STUDENTS, "the student"),
    ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "TF-IDF",
    ModelRole.ENCODER_ON_TRAINING_EXAMPLES: "a frozen sentence encoder",
}


def label_worth_text(report: Report) -> str:
    """Return how many hand labels reach what the teacher-labelled examples gave; empty if the report has no block."""
    worth = report.label_worth
    if worth is None:
        return ""
    question = "How many hand labels is this teacher worth?"
    if worth.best_taught is None or worth.student is None:
        return f"{question} Not measured: {worth.not_measured or 'no alternative was measured'}." + _lacking(worth)
    metric = metric_name(report.comparison.primary_metric)
    parts = [f"{question} {_sentence(worth, worth.best_taught, metric)}"]
    if worth.student.model != worth.best_taught.model:
        parts.append(f"The student, {decimal(worth.student.quality)}: {_amount(worth, worth.student)}.")
    return " ".join(parts) + _lacking(worth)


def _sentence(worth: LabelWorth, crossing: Crossing, metric: str) -> str:
    role = ModelRole(crossing.model)
    whose = "its" if role in STUDENTS else "the same"
    start = f"From {whose} training examples {_WORDS[role]} reaches {metric} {decimal(crossing.quality)}."
    return f"{start} For that, the best of the cheap ways without a teacher takes {_amount(worth, crossing)}."


def _amount(worth: LabelWorth, crossing: Crossing) -> str:
    """Return `about 41 hand labels (4.1 a class) [2.9, 6.3 a class]`, or the honest end beyond what was measured."""
    value, fewest, most = crossing.value, worth.best[0], worth.best[-1]
    # an interval of nothing but one end says no more than the end
    is_sure = value.beyond != "" and crossing.low.beyond == crossing.high.beyond
    between = "" if is_sure else f" [{_end(crossing.low)},\u00a0{_end(crossing.high)}]"
    if value.beyond == "more":
        all_labels = f"all {count(worth.labels)} labels you have ({most.labels_a_class:.3g} a class)"
        return f"more than {all_labels}, with which {decimal(most.value)} is reached{between}"
    if value.beyond == "fewer":
        return f"no more than {fewest.labels_a_class:.3g} a class, which gives {decimal(fewest.value)} already{between}"
    return f"about {count(value.labels)} hand labels, {value.labels_a_class:.3g} a class{between}"


def _end(number: NumLabels) -> str:
    if number.beyond == "more":
        return "more than all you have"
    start = "at most " if number.beyond == "fewer" else ""
    return f"{start}{number.labels_a_class:.3g}"


def _lacking(worth: LabelWorth) -> str:
    if not worth.lacking:
        return ""
    named = ", ".join(worth.lacking[:_MOST_NAMED])
    more = f" and {len(worth.lacking) - _MOST_NAMED} more" if len(worth.lacking) > _MOST_NAMED else ""
    return f" No labelled row has the label {named}{more}: the ways without a teacher never answer it."
