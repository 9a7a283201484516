"""What a race compares: teachers, prompts and filters, by the student that each of them makes."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel

# students of a contestant, each on its own half of the slice: more where one takes well under a second
DRAWS_QUICK = 10
DRAWS_OWN = 3


class Contestant(FrozenModel):
    """One way to make training examples: the recipe, but for what is named here."""

    name: str = Field(..., pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="what the report calls it")
    teacher: str = Field(
        "", description="name of the one teacher that answers; empty: all teachers, as the recipe routes and mixes"
    )
    prompt: dict[str, Any] = Field(
        {}, description="fields of the teachers' `prompt` that differ, as {system: Answer with the intent alone.}"
    )
    filters: dict[str, Any] = Field({}, description="fields of `filters` that differ, as {verification: false}")


class Race(FrozenModel):
    """The recipe's section `race`, for `stillhouse race`: who runs, for how much, and how students are compared."""

    contestants: tuple[Contestant, ...] = Field(
        (), max_length=16, description="at least two; empty: each teacher of the recipe alone"
    )
    equal: Literal["prompts", "tokens", "usd"] = Field(
        "prompts",
        description="what all contestants get the same of. prompts: the same prompts; tokens, usd: as many prompts as "
        "their budget buys, by what 32 of them took",
    )
    prompts: int = Field(800, ge=40, le=100_000, description="most training prompts of a contestant, in the last round")
    first_prompts: int = Field(
        200, ge=20, le=100_000, description="training prompts of a contestant in the first round, after which half goes"
    )
    tokens: int | None = Field(
        None, ge=1, description="a contestant's tokens, of prompts and completions, with `equal: tokens`"
    )
    usd: float | None = Field(None, gt=0.0, description="a contestant's money in US dollars, with `equal: usd`")
    filters: tuple[str, ...] | None = Field(
        None,
        description="filters whose worth is measured, by leaving each out, as [truncated, confidence]; null: all that "
        "the winner has on; [] measures none",
    )
    student: Literal["auto", "encoder", "tfidf", "own"] = Field(
        "auto",
        description="what is trained on each contestant's rows. encoder: logistic regression on the vectors of "
        "`evaluation.encoder`; tfidf: the same on words and letters, both for skills with labels, in seconds; own: the "
        "recipe's main student; auto: encoder if its files are there, else tfidf; own without labels",
    )
    draws: int | None = Field(
        None,
        ge=3,
        le=100,
        description="students of a contestant, each on its own half of the slice; null: "
        f"{DRAWS_QUICK}, of the recipe's own student {DRAWS_OWN}",
    )
    matters: float = Field(
        0.01,
        gt=0.0,
        lt=1.0,
        description="least difference in quality worth having, in [0, 1]: a filter whose whole interval lies below it "
        "earns nothing",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the slices and of the halves")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.equal != "prompts" and getattr(self, self.equal) is None:
            raise ValueError(f"equal is {self.equal}, and {self.equal} is not set: give each contestant's budget there")
        if self.first_prompts > self.prompts:
            raise ValueError(f"first_prompts ({self.first_prompts}) is more than prompts ({self.prompts}); lower it")
        return self
