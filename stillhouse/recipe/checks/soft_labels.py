"""Recipes that ask for soft labels where no teacher says how probable it finds a label."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher


def find_soft_label_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line if `training.soft_labels` could teach nothing."""
    if not recipe.learns_probabilities:
        return
    if not recipe.skill.has_labels:
        yield (
            f"training.soft_labels are probabilities of labels, and skill.kind: {recipe.skill.kind} has none: leave "
            "them out"
        )
    elif not any(scores_labels(teacher) or gives_shares(teacher) for teacher in recipe.teachers):
        yield (
            "training.soft_labels: no teacher says how probable it finds each label. One that is served here does, "
            "with output.kind: skill; over an API or with another form its samples do: set teachers.0.sampling.n to 4 "
            "or more, with a temperature above 0, or leave soft_labels out"
        )


def scores_labels(teacher: Teacher) -> bool:
    """Return whether a teacher scores every label, unless two of them begin alike."""
    return teacher.endpoint is None and teacher.output.kind == "skill"


def gives_shares(teacher: Teacher) -> bool:
    """Return whether a teacher answers each prompt several times, so that the shares of its answers are known."""
    return teacher.sampling.n > 1
