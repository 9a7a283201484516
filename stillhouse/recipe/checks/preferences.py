"""Recipes whose second step, on pairs of samples, could have no pairs, or could not be trained."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.recipe.teaching.preferences import Pairs


def find_preference_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each reason why `training.preferences` could not be carried out."""
    pairs = recipe.pairs
    if pairs is not None:
        yield from _pairs(recipe, pairs)
    for number, student in enumerate(recipe.all_students):
        field = f"students.{number}" if recipe.students else "student"
        yield from (f"{field}.training: {problem}" for problem in _student(recipe, student, pairs))


def _pairs(recipe: Recipe, pairs: Pairs) -> Iterator[str]:
    """Yield why the teachers' samples could be no pairs."""
    field, skill = "training.preferences.pairs", recipe.skill
    if sum(teacher.sampling.n for teacher in recipe.teachers) < 2:
        yield (
            "training.preferences pairs the teacher's own samples, and it gives one a prompt: set "
            "teachers.0.sampling.n to 4 or more, with a temperature above 0"
        )
    if pairs.by == "verifier":
        if not skill.verifies:
            yield (
                f"{field}.by: verifier compares answers with references, and no answer of a {skill.kind} contradicts "
                "one: set it to judge"
            )
        elif recipe.training.use_references:
            yield (
                f"{field}.by: verifier needs the teacher's answers to rows with a reference, and with "
                "training.use_references: true it is not asked about them: set that to false, or by to majority"
            )
    if pairs.by == "majority" and not skill.votes:
        yield f"{field}.by: majority counts equal answers, and free texts are never equal: set it to judge"
    if pairs.by == "judge" and recipe.judge is None:
        yield f"{field}.by: judge needs one: name the model that scores the samples in the section `judge`"
    if pairs.by != "judge" and pairs.least_margin != Pairs().least_margin:
        yield f"{field}.least_margin is of a judge's scores, and by is {pairs.by}: leave it out"


def _student(recipe: Recipe, student: Student, pairs: Pairs | None) -> Iterator[str]:
    """Yield why a student could not be trained on pairs."""
    training = recipe.training_of(student)
    preferences, execution = training.preferences, training.execution
    if preferences is None:
        return
    if student.is_encoder:
        yield "preferences are between texts, and an encoder writes none: set training: {preferences: null} in it"
        return
    if preferences.pairs != pairs:
        yield "preferences.pairs: all students learn the same pairs: set them in the section `training`"
    if execution.processes > 1:
        yield (
            f"preferences are trained by one process, and training.execution.processes is {execution.processes}: set "
            "it to 1, or leave preferences out"
        )
    if not training.has_adapter and training.weights == "bfloat16":
        yield (
            "weights: bfloat16 rounds away changes as small as those of preferences: set it to float32, or train an "
            "adapter (method: lora)"
        )
    if training.has_adapter and "lm_head" in training.lora.target_modules:
        yield "lora.target_modules names lm_head, which preferences can't train with an adapter: leave it out"
