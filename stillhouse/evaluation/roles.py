"""The models of a comparison by the part they play: the keys of report.json's `models`, with their names for people."""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class ModelRole(StrEnum):
    """A model of the comparison, in the order of the report's tables; files hold its value."""

    STUDENT = "student"
    STUDENT_2 = "student_2"
    STUDENT_3 = "student_3"
    STUDENT_4 = "student_4"
    CHAMPION = "champion"  # the version in use when the run measures; it may be a student of the run
    TEACHER = "teacher"
    TEACHER_WITH_OPINION = "teacher_with_second_opinion"
    BASELINE = "baseline"  # repeats the better of BASELINES
    BASELINE_ZERO_SHOT = "baseline_zero_shot"
    BASELINE_UNTRAINED = "baseline_untrained"
    STUDENT_LABELLED_ONLY = "student_labelled_only"
    TFIDF_LOGISTIC_REGRESSION = "tfidf_logistic_regression"
    ENCODER_LOGISTIC_REGRESSION = "encoder_logistic_regression"
    NEAREST_LABELLED_ANSWER = "nearest_labelled_answer"
    OPENING_OF_TEXT = "opening_of_text"
    TFIDF_ON_TRAINING_EXAMPLES = "tfidf_on_training_examples"
    ENCODER_ON_TRAINING_EXAMPLES = "encoder_on_training_examples"

    @property
    def label(self) -> str:
        """The role in words."""
        return _LABELS[self]

    @property
    def short_label(self) -> str:
        """The role in words, for charts and narrow columns."""
        return _SHORT_LABELS.get(self, self.label)


# of a recipe with several students, the main one first
STUDENTS = (ModelRole.STUDENT, ModelRole.STUDENT_2, ModelRole.STUDENT_3, ModelRole.STUDENT_4)
# the better of the two is the report's baseline; of equals the first
BASELINES = (ModelRole.BASELINE_UNTRAINED, ModelRole.BASELINE_ZERO_SHOT)
# what the labelled rows alone give: whether a teacher is worth it is decided against these
WITHOUT_TEACHER = (
    ModelRole.STUDENT_LABELLED_ONLY,
    ModelRole.TFIDF_LOGISTIC_REGRESSION,
    ModelRole.ENCODER_LOGISTIC_REGRESSION,
    ModelRole.NEAREST_LABELLED_ANSWER,
    ModelRole.OPENING_OF_TEXT,
)
# what the student's own training examples give to others: what the data alone is worth, whoever learns it
OTHER_LEARNERS = (ModelRole.TFIDF_ON_TRAINING_EXAMPLES, ModelRole.ENCODER_ON_TRAINING_EXAMPLES)
# compared with the student as one family of tests
ALTERNATIVES = (*WITHOUT_TEACHER, *OTHER_LEARNERS)

_LABELS = {
    ModelRole.STUDENT: "Student",
    ModelRole.CHAMPION: "Champion until now",
    ModelRole.TEACHER: "Teacher",
    ModelRole.TEACHER_WITH_OPINION: "Teacher with the second opinion",
    ModelRole.BASELINE: "Baseline",
    ModelRole.BASELINE_ZERO_SHOT: "Baseline: base model, zero-shot",
    ModelRole.BASELINE_UNTRAINED: "Baseline: student before training",
    ModelRole.STUDENT_LABELLED_ONLY: "No teacher: same student, labelled rows only",
    ModelRole.TFIDF_LOGISTIC_REGRESSION: "No teacher: TF-IDF + logistic regression",
    ModelRole.ENCODER_LOGISTIC_REGRESSION: "No teacher: sentence encoder + logistic regression",
    ModelRole.NEAREST_LABELLED_ANSWER: "No teacher: answer of the most similar labelled row",
    ModelRole.OPENING_OF_TEXT: "No teacher: the text's own opening",
    ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "Student's training examples: TF-IDF + logistic regression",
    ModelRole.ENCODER_ON_TRAINING_EXAMPLES: "Student's training examples: sentence encoder + logistic regression",
    ModelRole.STUDENT_2: "Student 2",
    ModelRole.STUDENT_3: "Student 3",
    ModelRole.STUDENT_4: "Student 4",
}
_SHORT_LABELS = {
    ModelRole.CHAMPION: "Champion",
    ModelRole.TEACHER_WITH_OPINION: "Teacher, two opinions",
    ModelRole.BASELINE_ZERO_SHOT: "Base, zero-shot",
    ModelRole.BASELINE_UNTRAINED: "Untrained student",
    ModelRole.STUDENT_LABELLED_ONLY: "Labelled rows only",
    ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF, labels",
    ModelRole.ENCODER_LOGISTIC_REGRESSION: "Encoder, labels",
    ModelRole.NEAREST_LABELLED_ANSWER: "Nearest answer",
    ModelRole.OPENING_OF_TEXT: "Text's opening",
    ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "TF-IDF, examples",
    ModelRole.ENCODER_ON_TRAINING_EXAMPLES: "Encoder, examples",
}


def best_of(values: Mapping[ModelRole, float], candidates: Sequence[ModelRole]) -> ModelRole | None:
    """Return the candidate with the greatest value, of equals the first; None if none was measured."""
    measured = [role for role in candidates if role in values]
    return max(measured, key=lambda role: values[role], default=None)
