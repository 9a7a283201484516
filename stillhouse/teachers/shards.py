"""Divides a generation's requests among replicas, and adds up what the replicas did.

A request's key alone decides its shard: replicas on different machines agree without talking to each other, whatever
each of them finds in the store.
"""

from collections.abc import Iterable, Sequence

from stillhouse.config import StrictModel
from stillhouse.costs.generation_summary import GenerationSummary

_SHOWN = {"generated", "engine_start_seconds", "seconds"}


class Reply(StrictModel):
    """The numbers of one replica's shard."""

    shard: int  # from 0
    host: str
    summary: GenerationSummary
    ended: float  # UNIX time


def shard_of(key: str, num_shards: int) -> int:
    """Return the shard, from 0, of the request with this key (a SHA-256 in hex)."""
    return int(key[:16], 16) % num_shards


def with_replies(own: GenerationSummary, replies: Sequence[Reply]) -> GenerationSummary:
    """Return a generation's summary with the work that the replicas did before it."""
    if not replies:
        return own
    together = sum((reply.summary for reply in replies), own)
    covered = _covered((reply.ended - reply.summary.seconds, reply.ended) for reply in replies)
    starts = [own.engine_start_seconds, *(reply.summary.engine_start_seconds for reply in replies)]
    update = {
        "from_store": max(0, own.requests - together.generated),
        "generated": together.generated,
        "prompt_tokens": together.prompt_tokens,
        "completion_tokens": together.completion_tokens,
        "engine_start_seconds": max(starts),
        "seconds": round(own.seconds + covered, 3),
        "replicas": tuple(
            {"shard": reply.shard, "host": reply.host, **reply.summary.model_dump(include=_SHOWN)} for reply in replies
        ),
    }
    return own.model_copy(update=update)


def _covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Return the length of the intervals' union: time in which several replicas work counts once."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
