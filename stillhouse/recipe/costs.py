"""What work costs, and the budget of a recipe. Neither changes a result."""

from pydantic import Field

from stillhouse.config import FrozenModel


class Price(FrozenModel):
    """What a model charges for tokens."""

    input_usd_per_mtok: float = Field(ge=0.0, description="US dollars per million prompt tokens")
    output_usd_per_mtok: float = Field(ge=0.0, description="US dollars per million completion tokens")
    cached_input_usd_per_mtok: float | None = Field(
        None,
        ge=0.0,
        description="US dollars per million prompt tokens that the provider had in its cache, by its count; null: as "
        "other prompt tokens",
    )


class Costs(FrozenModel):
    """What own or rented machines cost by the hour. A cost that is left out counts as not known."""

    teacher_usd_per_hour: float | None = Field(
        None,
        ge=0.0,
        description="US dollars an hour of the machine that serves a teacher or a judge; of each one with replicas on "
        "a cluster",
    )
    training_usd_per_hour: float | None = Field(None, ge=0.0, description="US dollars an hour of the training machine")
    evaluation_usd_per_hour: float | None = Field(
        None, ge=0.0, description="US dollars an hour of the evaluating machine"
    )
    serving_usd_per_hour: float | None = Field(
        None,
        ge=0.0,
        description="US dollars an hour of the machine that will serve a model, like the one that evaluated it: with "
        "the measured throughput it gives the cost of a request",
    )


class Budget(FrozenModel):
    """Limits of what teachers and judge may use and cost; for an API teacher the test rows are included.

    A budget covers all answers that the recipe uses, whichever run paid for them. A second run has no second budget.
    """

    usd: float | None = Field(None, gt=0.0, description="US dollars, at today's price")
    tokens: int | None = Field(None, ge=1, description="prompt and completion tokens")
    hours: float | None = Field(
        None, gt=0.0, description="hours in which the teacher is asked; training and local evaluation are not counted"
    )

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return (self.usd, self.tokens, self.hours) != (None, None, None)
