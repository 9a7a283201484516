"""Training methods that the recipe's teachers can't serve."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.recipe.training import Training

_SERVER = ", or set training.on_policy.teacher to server for one with endpoint.provider: vllm"


def find_teaching_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each student whose training method needs what no teacher has."""
    for kind in sorted({recipe.training_of(one).kind for one in recipe.all_students if _lacks_weights(recipe, one)}):
        yield (
            f"training.kind: {kind} computes with the teacher's weights, and every teacher is behind an endpoint: add "
            "a teacher without `endpoint`, which is loaded here, or take training.kind: sft"
            f"{_SERVER if kind == 'on_policy' else ''}"
        )
    for student in recipe.all_students:
        if not student.is_encoder:
            yield from _matching_problems(recipe.training_of(student))


def unread_lines(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each section of a training method that no student is taught by; nothing is refused."""
    trainings = [recipe.training_of(student) for student in recipe.all_students if not student.is_encoder]
    kinds = {training.kind for training in trainings}
    for name in sorted({name for training in trainings for name in training.unread_sections} - kinds):
        yield f"training.{name} is set and has no effect with training.kind: {', '.join(sorted(kinds))}."


def _matching_problems(training: Training) -> Iterator[str]:
    """Yield a line for each setting with which layers can't be compared."""
    if training.layer_matching is None:
        return
    if training.kind == "attention" and training.packing:
        yield (
            "training.kind: attention relates the tokens of one example, and training.packing joins several: set "
            "packing to false"
        )
    execution = training.execution
    if execution.processes > 1 or execution.sharding != "none":
        yield (
            f"training.kind: {training.kind} compares whole models in one process: set training.execution.processes "
            "to 1 and sharding to none, or take training.kind: sft"
        )


def _lacks_weights(recipe: Recipe, student: Student) -> bool:
    """Return whether a student's method needs a teacher's weights, and none is here."""
    if student.is_encoder or not recipe.training_of(student).needs_teacher:
        return False
    return all(teacher.endpoint for teacher in recipe.teachers)
