"""A sweep: its trials, what mattered, and what having chosen among many costs."""

from typing import Any, Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number


class SweepRung(Block):
    """What a trial reached after a share of the training rows."""

    share: float = Field(description="of the training rows")
    rows: int = Field(description="training rows")
    score: float = Field(description="the sweep's metric on validation rows")
    seconds: float = Field(description="of training and measuring")


class SweepTrial(Block):
    """One trial: the recipe with these values."""

    number: int = Field(description="in the order in which they began, from 0")
    fields: dict[str, Any] = Field(description="field of the recipe by its path -> value")
    state: Literal["running", "complete", "pruned", "failed"] = Field(description="complete: it learnt all rows")
    why: str = Field("", description="why it was pruned or failed")
    score: Number = Field(description="the sweep's metric on validation rows, after all training rows")
    rungs: tuple[SweepRung, ...] = Field(description="by share of the training rows")
    seconds: float = Field(description="of training and measuring")
    cost_usd: Number = Field(description="of these and of its requests; null: an hourly cost is not known")
    requests: int = Field(description="sent to teacher and judge for this trial alone")
    latency_s: Number = Field(None, description="p50 of single requests with validation prompts")
    latency_p95_s: Number = Field(None, description="p95 of the same")
    weight_bytes: Count = Field(None, description="of the weights as they are served")
    peak_memory_bytes: Count = Field(None, description="while it answers")
    parameters: Count = Field(None, description="of the student")
    within_limits: bool | None = Field(None, description="whether it keeps to `constraints`; null: not complete")
    on_front: bool = Field(False, description="no other trial is as good, as fast and as light, and better in one")


class SelectionCost(Block):
    """What the winner's validation score promises too much, since it is the best of several on the same rows."""

    chosen: float = Field(description="the winner's score on the rows that it was chosen by")
    expected: float = Field(description="what a winner chosen so reaches on rows that had no part in the choice")
    low: float = Field(description="lower end of its interval")
    high: float = Field(description="upper end of its interval")
    optimism: float = Field(description="`chosen` - `expected`")
    candidates: int = Field(description="complete trials within the limits, among which was chosen")
    rows: int = Field(description="validation rows")
    resamples: int = Field(description="of the bootstrap")
    method: str = Field(description="how it is estimated")


class SweepResult(Block):
    """All trials of a sweep, and its winner."""

    study: str = Field(description="the key of its trials in the store")
    metric: str = Field(description="that was to be greatest, on validation rows")
    validation_rows: int = Field(description="that each complete trial is measured on")
    space: dict[str, Any] = Field(description="field of the recipe by its path -> range or values")
    constraints: dict[str, float] = Field({}, description="the limits that the winner keeps to")
    trials: tuple[SweepTrial, ...] = Field(description="by number")
    winner: int | None = Field(description="number of the best trial within the limits; null: none is")
    ended: str = Field(description="why there were no further trials")
    importances: dict[str, float] = Field({}, description="share of the scores' variance that each field explains")
    importance_method: str = Field("", description="how they are computed, or why not")
    selection: SelectionCost | None = Field(None, description="null: not measured")
    why_no_selection: str = Field("", description="why `selection` is null")
    requests_before: int = Field(description="sent to teacher and judge for the data that all trials share, this time")
    requests: int = Field(description="sent for trials alone")
    seconds: float = Field(description="of all trials, without the preparation of the data")
    cost_usd: Number = Field(description="the same in US dollars; null: a part is not known")

    @property
    def best(self) -> SweepTrial | None:
        """The trial that won; None if none keeps to the limits."""
        return next((trial for trial in self.trials if trial.number == self.winner), None)


class SweepReport(Block):
    """sweeps/<study>/report.json: a sweep, and the winner on the test rows."""

    schema_version: int = 1
    recipe: str = Field(description="name of the recipe")
    sweep: SweepResult = Field(description="the trials")
    run_id: str = Field("", description="of the winner's run, whose report has all else; empty: there is no winner")
    model: str = Field("", description="the version that it registered")
    test_score: Number = Field(None, description="the winner's metric on the test rows; null: the recipe names another")
    test_low: Number = Field(None, description="lower end of its interval")
    test_high: Number = Field(None, description="upper end of its interval")
    test_rows: Count = Field(None, description="rows that it is measured on")
    test_reads: int = Field(1, description="winners of this sweep that were measured on them: more with more trials")
