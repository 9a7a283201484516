"""What the models of a report are called."""

from collections.abc import Sequence
from pathlib import Path

from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student


def student_name(recipe: Recipe, student: Student, base: str) -> str:
    """Return the name of a student, for people; `base` is that of the model it is made from."""
    made_from = base + (f", {student.cut_in_words}" if student.cut_in_words else "")
    made_from += f", {student.encoder.method.replace('_', '-')}" if student.is_encoder else ""
    return f"{student.name or recipe.name} ({made_from})"


def model_names(recipe: Recipe, teacher: str, bases: Sequence[str]) -> dict[ModelRole, str]:
    """Return the name of each model, for people, by its role.

    `teacher` and `bases`, those of the students in the recipe's order, are these models' own names.
    """
    main, base = recipe.main_student, bases[0]
    kept = f", {main.cut_in_words}" if main.cut_in_words else ""
    untrained = "names of labels alone" if main.is_encoder else "untrained"
    encoder = Path(recipe.evaluation.encoder.model).name if recipe.evaluation.encoder else ""
    return {
        ModelRole.TEACHER: teacher,
        ModelRole.TEACHER_WITH_OPINION: f"{teacher}, times logistic regression on the labelled rows",
        **{
            role: student_name(recipe, student, own)
            for role, student, own in zip(STUDENTS, recipe.all_students, bases, strict=False)
        },
        ModelRole.BASELINE_UNTRAINED: f"{base}{kept}, {untrained}",
        ModelRole.BASELINE_ZERO_SHOT: f"{base}, zero-shot",
        ModelRole.STUDENT_LABELLED_ONLY: "the student, trained on the labelled rows alone",
        ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF + logistic regression on the labelled rows",
        ModelRole.ENCODER_LOGISTIC_REGRESSION: f"{encoder} + logistic regression on the labelled rows",
        ModelRole.NEAREST_LABELLED_ANSWER: "the answer of the most similar labelled row, by TF-IDF",
        ModelRole.OPENING_OF_TEXT: "the first words of the text, as many as a labelled answer has",
        ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "TF-IDF + logistic regression on the student's training examples",
        ModelRole.ENCODER_ON_TRAINING_EXAMPLES: f"{encoder} + logistic regression on the student's training examples",
    }
