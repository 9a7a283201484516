"""The choices that a run offers beside its recipe: fields of the Prefect form and options of the command line."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

Size = Literal["full", "trial", "smoke"]
Preset = dict[str, Any]

SIZES: dict[Size, Preset] = {
    "full": {},
    "trial": {"data.max_train_rows": 1000, "data.max_test_rows": 200},
    "smoke": {"data.max_train_rows": 100, "data.max_test_rows": 50, "training.max_steps": 10},
}

# each input's type, with the only copy of its description and bounds
RecipeInput = Annotated[
    str,
    Field(
        description="A recipe's name in deployments/recipes (such as demo), a path, or a URL (s3://bucket/recipe.yaml)."
    ),
]
DataInput = Annotated[
    str,
    Field(
        description="Training prompts in place of the recipe's: a file, folder, glob or URL "
        "(s3://bucket/messages.jsonl) with the columns that the recipe names. Empty keeps the recipe's."
    ),
]
TestDataInput = Annotated[
    str, Field(description="Test rows with references, in place of the recipe's. Empty keeps the recipe's.")
]
TeacherInput = Annotated[
    str,
    Field(
        description="The teacher's model in place of the recipe's: a folder, a GGUF file, a hub name, or its name "
        "behind the recipe's endpoint. If there are several teachers, the first one changes. Empty keeps the recipe's."
    ),
]
StudentInput = Annotated[
    str,
    Field(
        description="The model that the student is made from, in place of the recipe's. Empty keeps the recipe's.",
    ),
]
SizeInput = Annotated[
    Size,
    Field(
        description="full is the recipe as it is; trial takes at most 1000 training and 200 test rows; smoke takes "
        "100 and 50, and 10 training steps, to see in minutes whether everything works."
    ),
]
MaxTrainRowsInput = Annotated[
    int,
    Field(
        ge=0,
        le=10_000_000,
        description="Rows that the teacher is asked about at most, 0 to 10000000; 0 sets no limit beside the size's.",
    ),
]
OverridesInput = Annotated[
    dict[str, Any],
    Field(description='Any other recipe field for this run, as {"training.epochs": 2}. Wins over the fields above.'),
]
# for the list of stage names, whose type is made where the stages are: tasks/orchestration/registry.py
REFRESH = Field(
    description="Stages to build again even if they are cached. A stored teacher answer is never asked for again."
)

Function = TypeVar("Function", bound=Callable[..., Any])


def describe_inputs(function: Function) -> Function:
    """Return `function` with the descriptions of its inputs in its docstring, the only place where Prefect looks."""
    parameters = inspect.signature(function).parameters.values()
    lines = [f"{parameter.name}: {input_field(parameter.annotation).description}" for parameter in parameters]
    function.__doc__ = f"{inspect.getdoc(function)}\n\nArgs:\n{textwrap.indent(chr(10).join(lines), '    ')}"
    return function


def input_field(annotation: Any) -> FieldInfo:
    """Return the field, with description and bounds, of an annotated input type."""
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
    """Return dotted recipe field -> value for what was chosen; an empty text or 0 leaves the recipe as it is."""
    chosen = {
        "data.train.path": data,
        "data.test.path": test_data,
        "teachers.0.model": teacher,
        "student.model": student,
        "data.max_train_rows": max_train_rows,
    }
    return SIZES[size] | {field: value for field, value in chosen.items() if value}
