"""The usage of a set of completions, summed over them."""

import random

import pytest

from stillhouse.costs.usage import Usage, UsageMeter


def at(second: float) -> str:
    return f"2026-01-01T00:{int(second // 60):02d}:{second % 60:06.3f}+00:00"


def test_usage_meter_overlapping_times_count_once():
    meter = UsageMeter()
    # 0-4 and 2-6 overlap, 10-11 stands alone: 7 seconds under way
    meter.add(10, 1, at(4.0), 4.0)
    meter.add(20, 2, at(11.0), 1.0)
    meter.add(30, 3, at(6.0), 4.0)
    assert meter.total == Usage(requests=3, prompt_tokens=60, completion_tokens=6, seconds=7.0)


def test_usage_meter_any_order_is_equal():
    rng = random.Random(0)
    answers = [(rng.randrange(100), 1, at(round(rng.uniform(5, 300), 3)), round(rng.uniform(0, 5), 3))
               for _ in range(200)]  # fmt: skip
    one, other = UsageMeter(), UsageMeter()
    for answer in answers:
        one.add(*answer)
    for answer in sorted(answers):
        other.add(*answer)
    assert one.total == other.total
    # milliseconds in which no answer is under way don't count: counted one by one
    busy = {ms for _, _, end, took in answers for ms in range(round(_ms(end) - took * 1000), round(_ms(end)))}
    assert one.seconds == pytest.approx(len(busy) / 1000, abs=0.05)


def _ms(created: str) -> float:
    minutes, seconds = created[14:16], created[17:23]
    return (int(minutes) * 60 + float(seconds)) * 1000


def test_usage_meter_empty_is_zero():
    assert UsageMeter().total == Usage()
