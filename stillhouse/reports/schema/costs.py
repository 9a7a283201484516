"""The cost ledger of report.json."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number


class Work(Block):
    """An amount of work and its cost."""

    requests: Count = Field(description="null: not counted in requests")
    prompt_tokens: Count = Field(description="null: not counted in tokens")
    completion_tokens: Count = Field(description="null: not counted in tokens")
    cached_tokens: Count = Field(
        0, description="of the prompts', those that the provider had in its cache, by its count"
    )
    seconds: Number = Field(description="of the machine")
    usd: Number = Field(description="null: the price is not known")


class LedgerLine(Block):
    """One paid part of the distillation."""

    what: str = Field(description="what was paid for")
    stage: str = Field(description="its label in the run")
    from_store: Count = Field(None, description="requests of this run that the store answered")
    run: Work = Field(description="the work of this run")
    life: Work = Field(description="the work of all runs together, at today's price")
    price: str = Field(description="the price's source")


class BreakEven(Block):
    """The number of requests to the student after which the distillation has paid for itself."""

    requests: Count = Field(description="null: there is no such number")
    reason: str = Field(description="what the number follows from, or why there is none")


class Ledger(Block):
    """Everything that is paid for; a total is null if one of its lines has no price."""

    lines: tuple[LedgerLine, ...] = Field(description="in the order of the report")
    run_usd: Number = Field(description="paid in this run")
    life_usd: Number = Field(description="paid in all runs, at the present price")
    unpriced: tuple[str, ...] = Field((), description="lines whose cost is not known")
    break_even: BreakEven = Field(description="against sending the same requests to the teacher")
