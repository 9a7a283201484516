"""Whether one more request may be sent."""

import random

import pytest

from stillhouse.costs.budget_guard import BudgetGuard, BudgetScope
from stillhouse.costs.price import ResolvedPrice
from stillhouse.costs.usage import BudgetUsage, Usage
from stillhouse.recipe.costs import Budget

TOKENS = ResolvedPrice(input_usd_per_mtok=1.0, output_usd_per_mtok=10.0)


NOTHING = Usage()
NOBODY = BudgetUsage()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make_guard(
    stored: Usage = NOTHING, price: ResolvedPrice = TOKENS, before: BudgetUsage = NOBODY, **budget: float
) -> BudgetGuard:
    return BudgetGuard(BudgetScope(budget=Budget.model_validate(budget), price=price, before=before), stored, Clock())


def test_budget_guard_without_a_budget_allows_everything():
    assert make_guard().can_reserve(1e12, 10**9)


def test_budget_guard_counts_cached_tokens_at_their_own_price():
    price = ResolvedPrice(input_usd_per_mtok=1.0, output_usd_per_mtok=10.0, cached_input_usd_per_mtok=0.1)
    stored = Usage(prompt_tokens=500_000, completion_tokens=0, cached_tokens=500_000)
    guard = make_guard(stored, price, usd=1.0)  # $0.05 are spent
    assert guard.can_reserve(940_000, 0)
    assert not guard.can_reserve(960_000, 0)
    guard.reserve("a", 900_000, 0)
    guard.settle("a", 900_000, 0, 1.0, cached_tokens=800_000)  # $0.18
    assert guard.can_reserve(760_000, 0)
    assert not guard.can_reserve(780_000, 0)


def test_budget_guard_request_in_flight_reserves_its_whole_length():
    guard = make_guard(tokens=100)
    assert guard.can_reserve(60, 40)
    assert not guard.can_reserve(60, 41)
    guard.reserve("a", 30, 20)
    assert guard.can_reserve(30, 20)
    assert not guard.can_reserve(30, 21)
    guard.settle("a", 30, 5, 1.0)
    # what it did not take is free again
    assert guard.can_reserve(30, 35)
    assert not guard.can_reserve(30, 36)
    assert guard.num_in_flight == 0


def test_budget_guard_stored_and_earlier_usage_counts():
    stored, before = Usage(prompt_tokens=30, completion_tokens=10), BudgetUsage(tokens=20)
    guard = make_guard(stored, before=before, tokens=100)
    assert guard.can_reserve(30, 10)
    assert not guard.can_reserve(30, 11)


def test_budget_guard_dollars_follow_the_price():
    guard = make_guard(usd=0.001)  # 1000 prompt tokens, or 100 completion tokens
    assert guard.can_reserve(500, 50)
    assert not guard.can_reserve(500, 51)


def test_budget_guard_dollars_of_other_teachers_are_at_their_own_price():
    # 0.0009 of 0.001 went to a dearer teacher: what is left buys 100 prompt tokens here
    guard = make_guard(before=BudgetUsage(tokens=9, usd=0.0009), usd=0.001)
    assert guard.can_reserve(99, 0)
    assert not guard.can_reserve(101, 0)
    assert "$0.0009 of $0.001 (budget.usd)" in str(guard.exceeded_error(1, 2))


def test_budget_guard_hours_leave_the_longest_completions_time():
    guard = make_guard(Usage(seconds=1800.0), hours=1.0)
    guard.reserve("a", 1, 1)
    guard._clock.now += 1700.0
    guard.settle("a", 1, 1, 60.0)
    assert guard.can_reserve(1, 1)
    guard._clock.now += 41.0  # 1741 s gone, and one more may take 60: one second too many
    assert not guard.can_reserve(1, 1)


def test_budget_guard_price_by_the_hour_follows_the_clock():
    guard = make_guard(price=ResolvedPrice(usd_per_hour=36.0), usd=1.0)
    guard._clock.now += 99.0
    assert guard.can_reserve(10**9, 10**9)
    guard._clock.now += 2.0
    assert not guard.can_reserve(1, 1)


def test_budget_guard_uncounted_completion_takes_its_reservation():
    guard = make_guard(tokens=100)
    guard.reserve("a", 30, 20)
    guard.settle("a", None, 0, 1.0)
    assert guard.can_reserve(30, 20)
    assert not guard.can_reserve(31, 20)


def test_exceeded_error_names_usage_limits_and_next_step():
    guard = make_guard(Usage(prompt_tokens=4000, completion_tokens=900), tokens=5000, usd=0.02)
    said = str(guard.exceeded_error(88, 400))
    assert "4,900 tokens of 5,000 (budget.tokens)" in said
    assert "$0.0130 of $0.02 (budget.usd)" in said
    assert "312 of 400 requests have a stored completion; 88 are open" in said
    assert "Raise budget.usd or budget.tokens" in said


@pytest.mark.parametrize("seed", range(20))
def test_budget_guard_random_requests_never_exceed_the_budget(seed):
    rng = random.Random(seed)
    guard, cap, spent, flying = make_guard(tokens=5000), 5000, 0, {}
    for number in range(500):
        prompt, most = rng.randrange(1, 200), rng.randrange(1, 100)
        if guard.can_reserve(prompt, most) and len(flying) < 8:
            guard.reserve(str(number), prompt, most)
            flying[str(number)] = (prompt, most)
        elif flying:
            key = rng.choice(list(flying))
            prompt, most = flying.pop(key)
            took = rng.randrange(most + 1)
            guard.settle(key, prompt, took, 1.0)
            spent += prompt + took
    # what is in flight may still come in full
    assert cap - 300 < spent + sum(prompt + most for prompt, most in flying.values()) <= cap
