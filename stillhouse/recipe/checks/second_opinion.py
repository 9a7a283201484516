"""Recipes that ask for a second opinion where it could not be combined with what a teacher says."""

from collections.abc import Iterator

from stillhouse.recipe.checks.soft_labels import scores_labels
from stillhouse.recipe.recipe import Recipe


def find_second_opinion_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each reason why `second_opinion` can't be taken."""
    if recipe.second_opinion is None:
        return
    if not recipe.skill.has_labels:
        yield (f"second_opinion is of a classifier, and skill.kind: {recipe.skill.kind} has no labels: leave it out")
        return
    for index, teacher in enumerate(recipe.teachers):
        if not scores_labels(teacher):
            yield (
                f"second_opinion is multiplied with the teacher's probability of each label, and teachers.{index} "
                f"({teacher.display_name}) gives none: it takes a teacher that is served here, with output.kind: "
                "skill. Leave second_opinion out, or take such a teacher"
            )
    if recipe.routing.kind in ("fallback", "first_verified"):
        yield (
            f"second_opinion can't be had with routing.kind: {recipe.routing.kind}, where a teacher's answer alone "
            "decides whether the next is asked: set routing.kind to all, or leave second_opinion out"
        )
    if recipe.evaluation.encoder is None:
        yield "second_opinion needs a sentence encoder, and evaluation.encoder is null: name one there"
