"""Seconds for the missing requests, by hand-computed cases."""

import pytest

from stillhouse.planning.probe_result import CompletionUsage, Workload
from stillhouse.planning.remaining import Sample, endpoint_seconds, engine_seconds
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Engine

PROBE = {"generated": 32, "seconds": 16.0}


def make_workload(num_missing: int) -> Workload:
    keys = [f"k{number}" for number in range(num_missing)]
    return Workload(rows={key: [key] for key in keys}, sizes=dict.fromkeys(keys, 100))


def make_sample(seconds: float) -> Sample:
    usage = CompletionUsage(50, 10, seconds, "2026-11-22T10:00:00+00:00")
    return Sample(sizes=[100.0] * 32, usages=[[usage]] * 32)


def make_endpoint(**fields: object) -> Endpoint:
    return Endpoint.model_validate({"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", **fields})


def test_engine_seconds_fuller_engine_is_between_its_speed_and_the_probes():
    found = engine_seconds(320, PROBE, Engine(max_num_seqs=128))
    assert found is not None
    # half a second each; 128 at once in place of 32
    assert (found.low, found.value, found.high) == (40.0, 160.0, 160.0)


def test_engine_seconds_engine_no_fuller_is_at_the_probes_pace():
    found = engine_seconds(320, PROBE, Engine(max_num_seqs=16))
    assert found is not None
    assert found.low == found.value == 160.0


def test_engine_seconds_empty_probe_is_not_known():
    assert engine_seconds(5, {"generated": 0, "seconds": 0.0}, Engine()) is None
    assert engine_seconds(0, {"generated": 0, "seconds": 0.0}, Engine()).value == 0.0


@pytest.mark.parametrize(
    ("fields", "num_alone", "seconds"),
    [
        ({"concurrency": 10}, 0, 40.0),  # 200 completions of 2 s, ten at a time
        ({"concurrency": 400}, 0, 2.0),  # no more at a time than there are
        ({"concurrency": 10}, 50, 130.0),  # 50 one by one, 150 ten at a time
        ({"concurrency": 10, "requests_per_minute": 100}, 0, 120.0),
        ({"concurrency": 10, "tokens_per_minute": 3000}, 0, 280.0),  # 50 of the prompt and 20 of room each: 14,000
    ],
)
def test_endpoint_seconds_follow_concurrency_and_limits(fields, num_alone, seconds):
    found = endpoint_seconds(make_workload(200), make_sample(2.0), make_endpoint(**fields), 20, num_alone)
    assert found is not None
    assert found.value == pytest.approx(seconds)
