"""What the models of a report are called."""

from pathlib import Path

from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.recipe import Recipe


def model_names(recipe: Recipe, teacher: str, base: str) -> dict[ModelRole, str]:
    """Return the name of each model, for people, by its role; `teacher` and `base` are those models' own."""
    layers = f", {recipe.student.layers} layers" if recipe.student.layers else ""
    encoder = Path(recipe.evaluation.encoder.model).name if recipe.evaluation.encoder else ""
    return {
        ModelRole.TEACHER: teacher,
        ModelRole.STUDENT: f"{recipe.name} ({base}{layers})",
        ModelRole.BASELINE_UNTRAINED: f"{base}{layers}, untrained",
        ModelRole.BASELINE_ZERO_SHOT: f"{base}, zero-shot",
        ModelRole.STUDENT_LABELLED_ONLY: "the student, trained on the labelled rows alone",
        ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF + logistic regression on the labelled rows",
        ModelRole.ENCODER_LOGISTIC_REGRESSION: f"{encoder} + logistic regression on the labelled rows",
        ModelRole.TFIDF_ON_TRAINING_EXAMPLES: "TF-IDF + logistic regression on the student's training examples",
        ModelRole.ENCODER_ON_TRAINING_EXAMPLES: f"{encoder} + logistic regression on the student's training examples",
    }
