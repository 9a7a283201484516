"""One trial of a sweep, as the store keeps it."""

from typing import Any, Literal, Self

from stillhouse.config import StrictModel

Fields = dict[str, Any]  # field of the recipe by its path -> value


class Rung(StrictModel):
    """What a trial reached after a share of the training rows."""

    share: float
    rows: int  # training rows
    score: float  # the objective on validation rows
    validation_rows: int
    seconds: float  # of training and measuring
    cost_usd: float | None  # of these; None: no hourly cost is known
    student: str  # fingerprint of the weights' artifact
    answers: str  # of the artifact with the answers to the validation rows


class Measures(StrictModel):
    """What a trial's student takes, on the validation prompts; None: not measured."""

    latency_s: float | None = None
    latency_p95_s: float | None = None
    weight_bytes: int | None = None
    peak_memory_bytes: int | None = None
    parameters: int | None = None

    def excess(self, limits: dict[str, float]) -> dict[str, float]:
        """Return by how much each limit is exceeded, as a share of it; 0 or less where it is kept to."""
        found = {name: getattr(self, name) for name in limits}
        # what can't be measured is not known to be within a limit
        return {name: 1.0 if (at := found[name]) is None else at / limit - 1.0 for name, limit in limits.items()}


class Trial(StrictModel):
    """The recipe with some other values, and what came of it."""

    number: int
    fields: Fields
    state: Literal["running", "complete", "pruned", "failed"] = "running"
    rungs: tuple[Rung, ...] = ()
    measures: Measures = Measures()
    why: str = ""  # it was pruned or failed
    requests: int = 0  # sent to teacher and judge for this trial alone
    requests_usd: float | None = 0.0
    owner: str = ""  # the process that runs it, or ran it last
    token: str = ""  # differs with every owner

    @property
    def score(self) -> float | None:
        """The objective after all training rows; None unless it is complete."""
        return self.rungs[-1].score if self.state == "complete" else None

    @property
    def seconds(self) -> float:
        """Seconds of training and measuring."""
        return sum(rung.seconds for rung in self.rungs)

    @property
    def cost_usd(self) -> float | None:
        """US dollars of training, measuring and requests; None if a part of it is not known."""
        parts = [*(rung.cost_usd for rung in self.rungs), self.requests_usd]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def with_rung(self, rung: Rung) -> Self:
        """Return the trial with one more rung."""
        return self.model_copy(update={"rungs": (*self.rungs, rung)})

    def ended(self, state: Literal["complete", "pruned", "failed"], why: str = "") -> Self:
        """Return the trial at its end."""
        return self.model_copy(update={"state": state, "why": why})
