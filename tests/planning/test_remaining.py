"""How long the rest will take."""

import pytest

from stillhouse.planning.probe_result import AnswerUsage, Workload
from stillhouse.planning.remaining import Sample, endpoint_seconds, engine_seconds
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Engine

PROBE = {"generated": 32, "seconds": 16.0}


def part(num_missing: int) -> Workload:
    keys = [f"k{number}" for number in range(num_missing)]
    return Workload("lessons", [(key, 0, key) for key in keys], dict.fromkeys(keys, 100))


def sample(seconds: float) -> Sample:
    return Sample(sizes=[100.0] * 32, answers=[[AnswerUsage(50, 10, seconds, "2026-11-22T10:00:00+00:00")]] * 32)


def endpoint(**fields: object) -> Endpoint:
    return Endpoint.model_validate({"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", **fields})


def test_engine_takes_the_probes_pace_and_at_best_as_much_less_as_it_has_more_at_once():
    found = engine_seconds(320, PROBE, Engine(max_num_seqs=128))
    assert found is not None
    # half a second an answer; 128 at once in place of 32
    assert (found.low, found.value, found.high) == (40.0, 160.0, 160.0)


def test_engine_that_holds_no_more_than_the_probe_takes_its_pace():
    found = engine_seconds(320, PROBE, Engine(max_num_seqs=16))
    assert found is not None
    assert found.low == found.value == 160.0


def test_engine_whose_probe_asked_nothing_says_nothing_of_time():
    assert engine_seconds(5, {"generated": 0, "seconds": 0.0}, Engine()) is None
    assert engine_seconds(0, {"generated": 0, "seconds": 0.0}, Engine()).value == 0.0


@pytest.mark.parametrize(
    ("fields", "alone", "seconds"),
    [
        ({"concurrency": 10}, 0, 40.0),  # 200 answers of 2 s, ten at a time
        ({"concurrency": 400}, 0, 2.0),  # no more at a time than there are
        ({"concurrency": 10}, 50, 130.0),  # 50 one by one, 150 ten at a time
        ({"concurrency": 10, "requests_per_minute": 100}, 0, 120.0),
        ({"concurrency": 10, "tokens_per_minute": 3000}, 0, 280.0),  # 50 of the prompt and 20 of room each: 14,000
    ],
)
def test_endpoint_takes_its_latency_as_often_as_its_limits_allow(fields, alone, seconds):
    found = endpoint_seconds(part(200), sample(2.0), endpoint(**fields), 20, alone)
    assert found is not None
    assert found.value == pytest.approx(seconds)
