"""What a set of answers took, added up from the answers."""

import random

import pytest

from stillhouse.costs.usage import Usage, UsageMeter


def at(second: float) -> str:
    return f"2026-01-01T00:{int(second // 60):02d}:{second % 60:06.3f}+00:00"


def test_spending_counts_tokens_and_overlapping_times_once():
    spending = UsageMeter()
    # 0-4 and 2-6 overlap, 10-11 stands alone: 7 seconds under way
    spending.add(10, 1, at(4.0), 4.0)
    spending.add(20, 2, at(11.0), 1.0)
    spending.add(30, 3, at(6.0), 4.0)
    assert spending.total == Usage(requests=3, prompt_tokens=60, completion_tokens=6, seconds=7.0)


def test_spending_does_not_depend_on_the_order_of_answers():
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


def test_spending_of_nothing_is_nothing():
    assert UsageMeter().total == Usage()
