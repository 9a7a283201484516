"""What a learner of another kind than the student says of prompts: where the two differ, one is wrong."""

from collections.abc import Sequence

from stillhouse.data.row import Row, prompt_text
from stillhouse.evaluation.alternatives.opinions import label_opinions
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.skills.skill import Skill


def student_texts(rows: Sequence[Row], skill: Skill, labels: Sequence[str]) -> list[str]:
    """Return the rows' texts as training examples show them."""
    return [prompt_text(skill.student_messages(row["messages"], labels)) for row in rows]


def by_tfidf(
    learnt: LabelledTexts, rows: Sequence[Row], skill: Skill, labels: Sequence[str], seed: int
) -> dict[str, list[float]]:
    """Return the log-probability of each label (nats) by logistic regression on TF-IDF, by row id."""
    found = label_opinions(learnt, labels, student_texts(rows, skill, labels), None, seed)
    return dict(zip((row["id"] for row in rows), found, strict=True))
