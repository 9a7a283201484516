import hashlib
from typing import Any

import pytest

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.teachers.shards import Reply, shard_of, with_replies


def keys(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


@pytest.mark.parametrize("num_shards", [1, 2, 3, 7, 64])
def test_shard_of_many_keys_divides_them_evenly_without_rest(num_shards: int):
    shards = [shard_of(key, num_shards) for key in keys(6400)]
    counts = [shards.count(shard) for shard in range(num_shards)]
    assert sum(counts) == 6400, "a key lies outside of all shards"
    # six standard deviations of a fair draw
    fair = 6400 / num_shards
    assert all(abs(count - fair) < 6 * fair**0.5 + 1 for count in counts), counts


def test_shard_of_a_key_is_the_remainder_of_its_first_16_digits():
    # stable for ever: replicas of two versions that differed here would ask twice
    assert [shard_of(f"{number:016x}" + "9" * 48, 3) for number in (0, 1, 2, 3, 10)] == [0, 1, 2, 0, 1]
    assert shard_of("f" * 64, 1000) == (2**64 - 1) % 1000


def reply(shard: int, ended: float, seconds: float, generated: int = 10, start: float = 2.0) -> Reply:
    return Reply(
        shard=shard,
        host=f"host{shard}",
        summary=GenerationSummary(
            generated=generated,
            prompt_tokens=100 * generated,
            completion_tokens=3 * generated,
            engine_start_seconds=start,
            seconds=seconds,
        ),
        ended=ended,
    )


def summary(requests: int = 50, from_store: int = 50, **fields: Any) -> GenerationSummary:
    return GenerationSummary(requests=requests, from_store=from_store, **fields)


def test_with_replies_counts_the_replicas_completions_as_generated():
    found = with_replies(summary(), [reply(0, ended=10, seconds=4, generated=12), reply(1, ended=10, seconds=4)])
    assert (found.requests, found.generated, found.from_store) == (50, 22, 28)
    assert (found.prompt_tokens, found.completion_tokens) == (2200, 66)
    assert found.replicas == (
        {"shard": 0, "host": "host0", "generated": 12, "engine_start_seconds": 2.0, "seconds": 4.0},
        {"shard": 1, "host": "host1", "generated": 10, "engine_start_seconds": 2.0, "seconds": 4.0},
    )


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ((104.0, 104.0), 4.0),  # at the same time
        ((104.0, 110.0), 8.0),  # one after the other, with a gap
        ((104.0, 107.0), 7.0),  # half over each other
    ],
)
def test_with_replies_seconds_are_those_with_a_replica_at_work(ends: tuple[float, float], seconds: float):
    replies = [reply(shard, ended=end, seconds=4, start=shard + 1.5) for shard, end in enumerate(ends)]
    found = with_replies(summary(), replies)
    assert found.seconds == seconds
    assert found.engine_start_seconds == 2.5


def test_with_replies_of_repeated_requests_has_no_negative_count():
    found = with_replies(summary(from_store=9, requests=10, generated=1), [reply(0, ended=10, seconds=4)])
    assert (found.generated, found.from_store) == (11, 0)


def test_with_replies_none_is_the_summary():
    assert with_replies(summary(), []) == summary()
