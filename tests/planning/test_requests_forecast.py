"""Seconds for the missing requests, by hand-computed cases."""

import pytest

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import ResolvedPrice
from stillhouse.planning.requests_forecast import Workload
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.teachers.probe_result import ListedPrompt, ProbeResult
from tests.support.builders import make_completion, make_recipe_fields

PROBE = GenerationSummary(generated=32, seconds=16.0)


def seconds_of(num_missing: int, probe: GenerationSummary = PROBE, num_alone: int = 0, **fields: object):
    """The seconds of completions that take 2 s each."""
    prompts = [ListedPrompt((f"k{number}",), 100, {f"r{number}": 1}, [], False) for number in range(num_missing)]
    completion = make_completion(prompt_tokens=50, completion_tokens=10, seconds=2.0)
    teacher: Teacher = parse_recipe(make_recipe_fields({"model": "./teacher", **fields})).teacher
    result = ProbeResult(teacher, prompts, summary=probe)
    return (
        Workload(result, ResolvedPrice(), prompts, [(100.0, [completion])] * 32, num_alone=num_alone)
        .remaining()
        .seconds
    )


def test_remaining_seconds_fuller_engine_is_between_its_speed_and_the_probes():
    found = seconds_of(320, engine={"max_num_seqs": 128})
    # half a second each; 128 at once in place of 32
    assert (found.low, found.value, found.high) == (40.0, 160.0, 160.0)


def test_remaining_seconds_engine_no_fuller_is_at_the_probes_pace():
    found = seconds_of(320, engine={"max_num_seqs": 16})
    assert found.low == found.value == 160.0


def test_remaining_seconds_empty_probe_is_not_known():
    assert seconds_of(5, GenerationSummary()) is None
    assert seconds_of(0, GenerationSummary()).value == 0.0


def test_remaining_usd_counts_cached_tokens_at_their_own_price():
    price = ResolvedPrice(input_usd_per_mtok=2.0, output_usd_per_mtok=8.0, cached_input_usd_per_mtok=0.5)
    prompts = [ListedPrompt((f"k{number}",), 100, {f"r{number}": 1}, [], False) for number in range(1000)]
    completion = make_completion(prompt_tokens=1000, completion_tokens=10, cached_tokens=600)
    teacher = parse_recipe(make_recipe_fields({"model": "./teacher"})).teacher
    workload = Workload(ProbeResult(teacher, prompts, summary=PROBE), price, prompts, [(100.0, [completion])] * 32)
    # a million prompt tokens of which 600,000 are cached, and 10,000 of completions
    assert workload.remaining().usd.value == pytest.approx(0.8 + 0.3 + 0.08)


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
def test_remaining_seconds_over_an_api_follow_concurrency_and_limits(fields, num_alone, seconds):
    endpoint = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", **fields}
    found = seconds_of(200, num_alone=num_alone, endpoint=endpoint, sampling={"max_tokens": 20})
    assert found.value == pytest.approx(seconds)
