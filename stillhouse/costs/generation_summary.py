"""The numbers of one generation: the requests, those with a stored completion, and what the others took."""

from collections import Counter
from typing import Any, Self

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary
from stillhouse.config import StrictModel
from stillhouse.costs.usage import Usage


class RedactedPrompts(StrictModel):
    """Prompts of which personal data was taken out before they were sent: in all, and by mark."""

    prompts: int
    marks: dict[str, int]

    def __add__(self, other: "RedactedPrompts") -> "RedactedPrompts":
        """Return the counts of both."""
        marks = Counter(self.marks)
        marks.update(other.marks)
        return RedactedPrompts(prompts=self.prompts + other.prompts, marks=dict(marks))


class GenerationSummary(StageSummary):
    """What one run requested of a model. The default: nothing was requested."""

    requests: int = 0
    from_store: int = 0  # requests whose completion was stored before
    generated: int = 0  # completions of this run, failed ones included; the tokens are theirs
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompts'
    engine_start_seconds: float = 0.0
    seconds: float = 0.0  # without the engine's start
    # what all completions took, whichever run requested them; None in sums, since times overlap, and in old records
    usage: Usage | None = Field(None, alias="bought")
    redacted: RedactedPrompts | None = None  # None: prompts are sent as they are
    replicas: tuple[dict[str, Any], ...] | None = None  # what each did, if the teacher has several

    def of_cached(self) -> Self:
        """Return the numbers of a run that found the stage in the cache: nothing was generated."""
        nothing = {"generated": 0, "prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}
        no_time = {"engine_start_seconds": 0.0, "seconds": 0.0}
        return self.model_copy(update={**nothing, **no_time, "from_store": self.requests})

    def __add__(self, other: "GenerationSummary") -> "GenerationSummary":
        """Return the numbers of two generations that ran one after the other."""
        summed = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        redacted = self.redacted + other.redacted if self.redacted and other.redacted else None
        return GenerationSummary(**summed, redacted=redacted or self.redacted or other.redacted)

    def counts(self) -> dict[str, Any]:
        """Return what a report shows: requests, tokens and seconds."""
        return self.model_dump(include=_SUMMED - {"engine_start_seconds", "cached_tokens"})


_SUMMED = GenerationSummary.model_fields.keys() - {"usage", "redacted", "replicas"}
