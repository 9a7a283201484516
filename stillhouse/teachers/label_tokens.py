"""Labels that a teacher can't score apart, found before it is asked."""

from collections.abc import Sequence

from stillhouse.errors import RecipeError
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.request import continuation_ids
from stillhouse.recipe.checks.soft_labels import gives_shares, scores_labels
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.skill import Skill
from stillhouse.teachers.prompting import constraint_of


def check_label_scores(recipe: Recipe, in_folders: Sequence[Teacher]) -> None:
    """Refuse soft labels if no teacher will say how probable it finds each label.

    Only the tokenizers of the teachers `in_folders` can be read before work (there `model` is the folder), and only
    labels that the recipe names are known. Whether any other teacher gives scores, the filters find out.

    Raises:
        RecipeError: every teacher is in a folder, and has labels that begin alike.
    """
    scoring = [teacher for teacher in in_folders if scores_labels(teacher)]
    readable = len(scoring) == sum(scores_labels(teacher) for teacher in recipe.teachers)
    if not recipe.skill.known_labels or not readable or any(gives_shares(teacher) for teacher in recipe.teachers):
        return
    pairs = [labels_that_begin_alike(teacher, recipe.skill) for teacher in scoring]
    alike = pairs[0]
    if alike and all(pairs):
        raise RecipeError(
            f"training.soft_labels: the labels {alike[0]!r} and {alike[1]!r} begin with the same token of "
            f"{scoring[0].model}, so how probable it finds them is not known. Rename one, leave soft_labels out, or "
            "set teachers.0.sampling.n to 4 or more with a temperature above 0: then the shares of its answers count."
        )


def labels_that_begin_alike(teacher: Teacher, skill: Skill) -> tuple[str, str] | None:
    """Return two of the skill's labels that begin with one token of a teacher in a folder; None if there are none.

    A label's score is the log-probability of its first token, so that labels which share it have none.
    """
    choices = constraint_of(teacher, skill, skill.known_labels)["choice"]
    tokenizer = load_tokenizer(teacher.model, teacher.revision)
    first: dict[int, str] = {}
    for label, ids in zip(skill.known_labels, continuation_ids(tokenizer, choices), strict=True):
        if ids[0] in first:
            return first[ids[0]], label
        first[ids[0]] = label
    return None
