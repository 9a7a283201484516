"""An answer as a stream of events, which is whole only with its last one."""

from collections.abc import AsyncIterator, Callable

from stillhouse.serving.answers import Answer
from stillhouse.serving.chat import Completion, event
from stillhouse.serving.errors import ApiError

Pieces = AsyncIterator[str | Answer]


async def started(pieces: Pieces) -> Pieces:
    """Return `pieces` once the first is there.

    Raises:
        ApiError: there will be none; nothing was sent yet, so that the refusal has a status of its own.
    """
    first = await anext(pieces)

    async def all_of_them() -> Pieces:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_them()


async def at_once(answer: Answer) -> Pieces:
    """Yield an answer that is whole already."""
    yield answer.text
    yield answer


async def events_of(
    completion: Completion, pieces: Pieces, note: Callable[[Answer], None], *, with_usage: bool
) -> AsyncIterator[bytes]:
    """Yield the events of a stream; `note` is called with the whole answer before its end is sent.

    A failure in the middle is an event of its own, and the stream has no end.
    """
    is_first = True
    try:
        async for piece in pieces:
            if isinstance(piece, str):
                yield completion.piece(piece, is_first=is_first)
                is_first = False
            else:
                note(piece)
                yield completion.end(piece, with_usage=with_usage)
    except ApiError as error:
        yield event(error.body)
