"""The events that a worker prints, one JSON object a line: its standard output holds nothing else."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from stillhouse.config import StrictModel


class Progress(StrictModel):
    """`done` of `total` units of work are finished."""

    event: Literal["progress"] = "progress"
    done: int
    total: int
    unit: str
    detail: dict[str, Any] = Field({})


class Metric(StrictModel):
    """One measured number."""

    event: Literal["metric"] = "metric"
    name: str
    value: float
    step: int = 0


class Log(StrictModel):
    """One line for the run's log; a warning is for the terminal too."""

    event: Literal["log"] = "log"
    text: str
    is_warning: bool = False


class Done(StrictModel):
    """The work is finished and its files are in the folder that the spec names."""

    event: Literal["done"] = "done"
    summary: dict[str, Any]


class Error(StrictModel):
    """The work failed; `kind` is the name of the error's class in stillhouse.errors."""

    event: Literal["error"] = "error"
    kind: str
    message: str
    trace: str = ""  # of an error that nobody foresaw


Event = Annotated[Progress | Metric | Log | Done | Error, Field(discriminator="event")]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
