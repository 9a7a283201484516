"""What a server asks of whatever runs the model, and what it gets back."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from pydantic import Field

from stillhouse.config import StrictModel
from stillhouse.data.row import Messages


class Wanted(StrictModel):
    """How a free answer is sampled; a label is always the likeliest one."""

    max_tokens: int | None = None  # None: as in the evaluation
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = Field(0, ge=0)


class EngineAnswer(NamedTuple):
    """What a model wrote, and how probable it found that (nats)."""

    text: str  # without reasoning
    logprob: float | None  # of the whole completion
    label_logprobs: list[float] | None  # of each label, in their order
    prompt_tokens: int
    completion_tokens: int
    is_cut: bool = False  # at the most tokens


class Engine(Protocol):
    """A model that is loaded."""

    @property
    def name(self) -> str:
        """What runs it, for people and metrics."""

    @property
    def can_stream(self) -> bool:
        """Whether `stream` gives a free answer as it is written."""

    async def answer(self, messages: Messages, wanted: Wanted) -> EngineAnswer:
        """Return the answer to a prompt.

        Raises:
            ApiError: the prompt is longer than the model reads, or the engine failed.
        """

    def stream(self, messages: Messages, wanted: Wanted) -> AsyncIterator[str | EngineAnswer]:
        """Yield the answer's text in pieces, and last the whole of it."""

    async def is_alive(self) -> bool:
        """Return whether it can still answer."""

    async def close(self) -> None:
        """End it; answers under way are lost."""
