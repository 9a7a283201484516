"""From a prompt to the answer that a client gets: the student's with its certainty, or the teacher's below a threshold.

All of it is as in the evaluation: prompt, parser, the temperature of the certainty, and the threshold of the cascade.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from stillhouse.data.row import Messages
from stillhouse.evaluation.certainty import certainties
from stillhouse.evaluation.scored import Scored
from stillhouse.serving.engine import Engine, EngineAnswer, Wanted
from stillhouse.serving.record import ServingRecord

# the teacher's text for a prompt; None: it gave none
AskTeacher = Callable[[Messages], Awaitable[str | None]]


class Answer(NamedTuple):
    """What a client gets."""

    text: str  # a label, or what was written
    label: str | None  # the parsed answer; None: unreadable
    confidence: float | None  # that it is right, in [0, 1]; of a teacher's answer the student's own; None: not known
    is_handed_back: bool
    prompt_tokens: int
    completion_tokens: int
    is_cut: bool


class Answerer:
    """A student that is served, and its teacher where there is one."""

    def __init__(
        self,
        engine: Engine,
        record: ServingRecord,
        *,
        ask_teacher: AskTeacher | None = None,
        threshold: float | None = None,
    ) -> None:
        """Take what answers; with `ask_teacher`, prompts of less certainty than `threshold` go to the teacher."""
        self.engine = engine
        self.record = record
        self._ask_teacher = ask_teacher
        self._threshold = threshold

    @property
    def can_stream(self) -> bool:
        """Whether an answer may be shown before it is whole: its certainty is known only then."""
        return self.engine.can_stream and self._ask_teacher is None

    async def answer(self, messages: Messages, wanted: Wanted) -> Answer:
        """Return the answer to a prompt.

        Raises:
            ApiError: the student can't answer it.
        """
        return await self._decided(messages, await self.engine.answer(messages, wanted))

    async def stream(self, messages: Messages, wanted: Wanted) -> AsyncIterator[str | Answer]:
        """Yield a free answer in pieces, and last the whole."""
        async for piece in self.engine.stream(messages, wanted):
            yield piece if isinstance(piece, str) else await self._decided(messages, piece)

    async def _decided(self, messages: Messages, found: EngineAnswer) -> Answer:
        parsed = self.record.skill.parse(found.text, self.record.labels)
        sure = certainty_of(found, parsed, self.record)
        counts = (found.prompt_tokens, found.completion_tokens, found.is_cut)
        # as in the evaluation's cascade: an answer that can't be read has no certainty
        if self._ask_teacher and self._threshold is not None and sure is not None and sure < self._threshold:
            text = await self._ask_teacher(messages)
            theirs = None if text is None else self.record.skill.parse(text, self.record.labels)
            if text is not None and theirs is not None:
                return Answer(self._shown(text, theirs), theirs, sure, True, *counts)
        return Answer(self._shown(found.text, parsed), parsed, sure, False, *counts)

    def _shown(self, text: str, parsed: str | None) -> str:
        """Return a label as it is named, and a free answer as it was written."""
        return parsed if parsed is not None and self.record.skill.has_labels else text


def certainty_of(found: EngineAnswer, parsed: str | None, record: ServingRecord) -> float | None:
    """Return how sure the student is of an answer, set right as in its evaluation; None if its engine doesn't say."""
    scored = Scored(parsed, found.logprob, found.label_logprobs)
    if not scored.is_known:
        return None
    return float(certainties([scored], record.labels, record.temperature or 1.0)[0])
