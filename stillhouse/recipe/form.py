"""The inputs that a run has besides its recipe: fields of the Prefect form and options of the command line."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from stillhouse.recipe.sweep import MOST_TRIALS

Size = Literal["full", "trial", "smoke"]

# size -> dotted recipe field -> value
SIZES: dict[Size, dict[str, Any]] = {
    "full": {},
    "trial": {"data.max_train_rows": 1000, "data.max_test_rows": 200},
    "smoke": {"data.max_train_rows": 100, "data.max_test_rows": 50, "training.max_steps": 10},
}

# the type of each input, with the only copy of its description and bounds
RecipeInput = Annotated[
    str,
    Field(
        description="A recipe's name in deployments/recipes (such as demo), a path, or a URL (s3://bucket/recipe.yaml)."
    ),
]
DataInput = Annotated[
    str,
    Field(
        description="Training prompts that replace the recipe's: a file, folder, glob or URL "
        "(s3://bucket/messages.jsonl) with the columns that the recipe names. Empty keeps the recipe's."
    ),
]
TestDataInput = Annotated[
    str, Field(description="Test rows with references that replace the recipe's. Empty keeps the recipe's.")
]
TeacherInput = Annotated[
    str,
    Field(
        description="The teacher's model, which replaces the recipe's: a folder, a GGUF file, a hub name, or its name "
        "behind the recipe's endpoint. If there are several teachers, the first one changes. Empty keeps the recipe's."
    ),
]
StudentInput = Annotated[
    str, Field(description="The student's base model, which replaces the recipe's. Empty keeps the recipe's.")
]
SizeInput = Annotated[
    Size,
    Field(
        description="full: the recipe as it is; trial: at most 1000 training and 200 test rows; smoke: at most 100 "
        "training and 50 test rows and 10 training steps, to see in minutes whether everything works."
    ),
]
MaxTrainRowsInput = Annotated[
    int,
    Field(
        ge=0,
        le=10_000_000,
        description="The most rows that the teacher is asked about, 0 to 10000000; 0 keeps the limit of the size.",
    ),
]
OfflineInput = Annotated[
    bool,
    Field(
        description="Ask no model: no key, server, weights or network are needed. The plan then has the requests, "
        "bounds of tokens and cost, and the memory of the models."
    ),
]
OnlyPlanInput = Annotated[bool, Field(description="Only say what a race would ask, round by round; no model is asked.")]
OverridesInput = Annotated[
    dict[str, Any],
    Field(
        description='Any other recipe field for this run, as {"training.epochs": 2}. It replaces the fields above too.'
    ),
]
SpaceInput = Annotated[
    dict[str, Any],
    Field(
        description="What a sweep tries, in place of the recipe's section `sweep`: that section, as "
        '{"space": {"training.epochs": [1, 2]}, "trials": 12}. Empty keeps the recipe\'s.'
    ),
]
TrialsInput = Annotated[
    int, Field(ge=0, le=MOST_TRIALS, description="The most trials of a sweep; 0 keeps the number of the recipe.")
]
# the list's type is made from the stages, in tasks/orchestration/registry.py
REFRESH = Field(
    description="Stages to build again even if they are cached. A stored teacher answer is never asked for again."
)

# input -> the recipe field that it replaces
REPLACED_FIELDS = {
    "data": "data.train.path",
    "test_data": "data.test.path",
    "teacher": "teachers.0.model",
    "student": "student.model",
    "max_train_rows": "data.max_train_rows",
}

Function = TypeVar("Function", bound=Callable[..., Any])


def describe_inputs(function: Function) -> Function:
    """Return `function` with the descriptions of its inputs in its docstring, the only place where Prefect looks."""
    parameters = inspect.signature(function).parameters.values()
    lines = [f"{parameter.name}: {input_field(parameter.annotation).description}" for parameter in parameters]
    function.__doc__ = f"{inspect.getdoc(function)}\n\nArgs:\n{textwrap.indent(chr(10).join(lines), '    ')}"
    return function


def input_field(annotation: Any) -> FieldInfo:
    """Return the field, with description and bounds, of an input's type."""
    return next(item for item in get_args(annotation) if isinstance(item, FieldInfo))


def recipe_changes(
    *,
    data: str = "",
    test_data: str = "",
    teacher: str = "",
    student: str = "",
    size: Size = "full",
    max_train_rows: int = 0,
) -> dict[str, Any]:
    """Return dotted recipe field -> value for a size and the inputs; an empty text or 0 changes nothing."""
    inputs = {
        "data": data,
        "test_data": test_data,
        "teacher": teacher,
        "student": student,
        "max_train_rows": max_train_rows,
    }
    return SIZES[size] | {REPLACED_FIELDS[name]: value for name, value in inputs.items() if value}


def sweep_changes(*, space: dict[str, Any], trials: int) -> dict[str, Any]:
    """Return dotted recipe field -> value for the inputs of a sweep; what is empty or 0 changes nothing."""
    return ({"sweep": space} if space else {}) | ({"sweep.trials": trials} if trials else {})
