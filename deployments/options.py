"""The options of `stillhouse run`, `plan` and `race`, with the descriptions and bounds of the Prefect form."""

from typing import Annotated, Any

import typer

from stillhouse.recipe.form import (
    REFRESH,
    DataInput,
    MaxTrainRowsInput,
    OfflineInput,
    OnlyPlanInput,
    RecipeInput,
    SizeInput,
    StudentInput,
    TeacherInput,
    TestDataInput,
    TrialsInput,
    input_field,
)


def _option(input_type: Any) -> Any:
    """Return the option of an input type, with the description and bounds of its field."""
    field = input_field(input_type)
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    return typer.Option(help=field.description, min=bounds.get("ge"), max=bounds.get("le"))


Recipe = Annotated[RecipeInput, typer.Argument(help=input_field(RecipeInput).description, show_default=False)]
Data = Annotated[DataInput, _option(DataInput)]
TestData = Annotated[TestDataInput, _option(TestDataInput)]
Teacher = Annotated[TeacherInput, _option(TeacherInput)]
Student = Annotated[StudentInput, _option(StudentInput)]
RunSize = Annotated[SizeInput, _option(SizeInput)]
MaxTrainRows = Annotated[MaxTrainRowsInput, _option(MaxTrainRowsInput)]
Trials = Annotated[TrialsInput, _option(TrialsInput)]
Offline = Annotated[OfflineInput, _option(OfflineInput)]
OnlyPlan = Annotated[OnlyPlanInput, typer.Option("--plan", help=input_field(OnlyPlanInput).description)]
Refresh = Annotated[list[str] | None, typer.Option(help=f"{REFRESH.description} May be given several times.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another recipe field, as training.epochs=2; may be given several times."),
]
