"""What work costs; none of it changes a result."""

from pydantic import Field

from tasks.recipe.base import Part

_OWN = "US dollars an hour of the machine that"


class Price(Part):
    """What an endpoint asks for tokens."""

    input_usd_per_mtok: float = Field(ge=0.0, description="US dollars a million prompt tokens")
    output_usd_per_mtok: float = Field(ge=0.0, description="US dollars a million completion tokens")


class Costs(Part):
    """What own or rented machines cost by the hour; what is left out is not known, and never guessed."""

    teacher_usd_per_hour: float | None = Field(
        None, ge=0.0, description=f"{_OWN} serves the teacher for its lessons; of each, with replicas on a cluster"
    )
    training_usd_per_hour: float | None = Field(None, ge=0.0, description=f"{_OWN} trains students")
    evaluation_usd_per_hour: float | None = Field(None, ge=0.0, description=f"{_OWN} measures models")
    serving_usd_per_hour: float | None = Field(
        None,
        ge=0.0,
        description="US dollars an hour of a machine like the one that measured, where a model is to be served: with "
        "the throughput measured, what a request costs",
    )
