"""The cost ledger of report.json."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number


class Work(Block):
    """An amount of work and its cost."""

    requests: Count
    prompt_tokens: Count
    completion_tokens: Count
    seconds: Number
    usd: Number


class LedgerLine(Block):
    """One paid part of the distillation."""

    what: str
    stage: str
    from_store: Count = Field(None, description="requests of this run that the store answered")
    run: Work = Field(description="the work of this run")
    life: Work = Field(description="the work of all runs together, at today's price")
    price: str = Field(description="the price's source")


class BreakEven(Block):
    """The number of requests to the student after which the distillation has paid for itself."""

    requests: Count
    reason: str


class Ledger(Block):
    """Everything that is paid for; a total is null if one of its lines has no price."""

    lines: tuple[LedgerLine, ...]
    run_usd: Number
    life_usd: Number
    unpriced: tuple[str, ...] = Field((), description="lines whose cost is not known")
    break_even: BreakEven
