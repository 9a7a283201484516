"""What work costs, and how much of it a recipe may buy; none of it changes a result."""

from pydantic import Field

from stillhouse.config import FrozenModel

_OWN = "US dollars an hour of the machine that"


class Price(FrozenModel):
    """What an endpoint asks for tokens."""

    input_usd_per_mtok: float = Field(ge=0.0, description="US dollars a million prompt tokens")
    output_usd_per_mtok: float = Field(ge=0.0, description="US dollars a million completion tokens")


class Costs(FrozenModel):
    """What own or rented machines cost by the hour; what is left out is not known, and never guessed."""

    teacher_usd_per_hour: float | None = Field(
        None,
        ge=0.0,
        description=f"{_OWN} serves a teacher for its lessons, or a judge; of each, with replicas on a cluster",
    )
    training_usd_per_hour: float | None = Field(None, ge=0.0, description=f"{_OWN} trains students")
    evaluation_usd_per_hour: float | None = Field(None, ge=0.0, description=f"{_OWN} measures models")
    serving_usd_per_hour: float | None = Field(
        None,
        ge=0.0,
        description="US dollars an hour of a machine like the one that measured, where a model is to be served: with "
        "the throughput measured, what a request costs",
    )


class Budget(FrozenModel):
    """The most that a recipe's teachers and judge may be paid and take; of a teacher over an API the test rows too.

    It holds for all answers that the recipe uses, whichever run bought them: a second try has no second budget.
    """

    usd: float | None = Field(None, gt=0.0, description="US dollars, at today's price")
    tokens: int | None = Field(None, ge=1, description="prompt and completion tokens")
    hours: float | None = Field(
        None, gt=0.0, description="hours in which the teacher is asked; training and measuring here are not counted"
    )

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return (self.usd, self.tokens, self.hours) != (None, None, None)
