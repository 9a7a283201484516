"""The usage of a set of completions, summed over them."""

import random

import pytest

from stillhouse.completions.completion import Completion
from stillhouse.costs.usage import Usage, UsageMeter
from tests.support.builders import make_completion


def taking(prompt_tokens: int, completion_tokens: int, end: float, seconds: float) -> Completion:
    created = f"2026-01-01T00:{int(end // 60):02d}:{end % 60:06.3f}+00:00"
    return make_completion(
        prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, created=created, seconds=seconds
    )


def test_usage_meter_overlapping_times_count_once():
    # 0-4 and 2-6 overlap, 10-11 stands alone: 7 seconds under way
    completions = [taking(10, 1, 4.0, 4.0), taking(20, 2, 11.0, 1.0), taking(30, 3, 6.0, 4.0)]
    assert UsageMeter(completions).total == Usage(requests=3, prompt_tokens=60, completion_tokens=6, seconds=7.0)


def test_usage_meter_any_order_is_equal():
    rng = random.Random(0)
    took = [(round(rng.uniform(5, 300), 3), round(rng.uniform(0, 5), 3)) for _ in range(200)]
    usage = UsageMeter(taking(1, 1, end, seconds) for end, seconds in took).total
    assert usage == UsageMeter(taking(1, 1, end, seconds) for end, seconds in sorted(took)).total
    # milliseconds in which no completion is under way don't count: counted one by one
    busy = {ms for end, seconds in took for ms in range(round((end - seconds) * 1000), round(end * 1000))}
    assert usage.seconds == pytest.approx(len(busy) / 1000, abs=0.05)


def test_usage_meter_empty_is_zero():
    assert UsageMeter().total == Usage()
