"""Students whose settings are of another kind of student, or would need a training set of their own."""

from collections.abc import Iterator

from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.processes import share_of_batch
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student

# of one training set, which all students learn
_OF_THE_ROWS = ("use_references", "reasoning", "reasoning_mix")
_OF_LANGUAGE_MODELS = ("layers", "cut", "chat_template", "chat_template_kwargs", "template_date")


def find_student_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each setting that does not fit its student."""
    students = recipe.all_students
    for number, student in enumerate(students):
        field = f"students.{number}" if recipe.students else "student"
        own = _encoder(recipe, student) if student.is_encoder else _language_model(student)
        problems = [*_training(student), *_processes(recipe, student), *own]
        yield from (f"{field}.{problem}" for problem in problems)
    names = [student.display_name for student in students]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"students: {names.count(name)} are called {name!r}, in the report too: give each a `name` of its own"


def _training(student: Student) -> Iterator[str]:
    for name in _OF_THE_ROWS:
        if name in student.training:
            yield f"training.{name}: all students learn the same training examples: set it in the section `training`"


def _processes(recipe: Recipe, student: Student) -> Iterator[str]:
    training = recipe.training_of(student)
    execution = training.execution
    field = f"training.execution.processes: {execution.processes}"
    if execution.processes == 1:
        if execution.sharding != "none":
            yield f"training.execution.sharding: {execution.sharding} shares out among several: raise `processes` too"
        return
    if share_of_batch(training) is None:
        rows = training.batch_size * training.gradient_accumulation
        yield (
            f"{field} can't share each step's {rows} rows evenly (batch_size {training.batch_size} x "
            f"gradient_accumulation {training.gradient_accumulation}): take a divisor, or change these two"
        )
    if student.is_encoder:
        yield f"{field}, and an encoder is trained by one: set training: {{execution: {{processes: 1}}}} in it"
    if training.packing:
        yield f"{field} share out rows, and training.packing joins them: set one of the two back"
    if training.method == "qlora" and execution.sharding != "none":
        yield (
            f"training.execution.sharding: {execution.sharding} can't share out weights of 4 bits (training.method: "
            "qlora): set sharding to none, or method to lora"
        )


def _encoder(recipe: Recipe, student: Student) -> Iterator[str]:
    if not recipe.skill.has_labels:
        yield (
            f"kind: an encoder chooses among labels, and skill.kind: {recipe.skill.kind} has none: set it to causal_lm"
        )
    for name in _OF_LANGUAGE_MODELS:
        if getattr(student, name) != type(student).model_fields[name].default:
            yield f"{name} is of students that write text, and kind is encoder: leave it out"
    for name in ("epochs", "learning_rate"):
        if name in student.training:
            yield f"training.{name}: of an encoder it is encoder.{name}: write it there"
    training = recipe.training_of(student)
    if training.has_adapter or training.packing:
        named = f"method: {training.method}" if training.has_adapter else "packing: true"
        other = "{method: full}" if training.has_adapter else "{packing: false}"
        yield f"training: an encoder can't be trained with training.{named}: set training: {other} in this student"


def _language_model(student: Student) -> Iterator[str]:
    if student.encoder != EncoderTuning():
        yield "encoder is for students of kind: encoder: set the kind, or leave it out"
    yield from _cut(student)


def _cut(student: Student) -> Iterator[str]:
    chosen, layers = student.cut.layers, student.layers
    if isinstance(chosen, str):
        if chosen != "even" and not layers:
            yield f"cut.layers: {chosen} chooses layers, and `layers` says of none how many: set it too"
        return
    if not chosen:
        yield "cut.layers is an empty list: name the layers to keep, from 0, or leave it out"
    elif list(chosen) != sorted(set(chosen)):
        yield f"cut.layers: {list(chosen)} must ascend, each layer once: a student keeps its base's order"
    elif layers and layers != len(chosen):
        yield f"cut.layers names {len(chosen)} layers, and `layers` is {layers}: leave `layers` out"
