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


def allowance(
    held: Usage = NOTHING, tariff: ResolvedPrice = TOKENS, before: BudgetUsage = NOBODY, **budget: float
) -> BudgetGuard:
    return BudgetGuard(BudgetScope(budget=Budget.model_validate(budget), tariff=tariff, before=before), held, Clock())


def test_allowance_without_a_budget_allows_everything():
    assert allowance().can_reserve(1e12, 10**9)


def test_allowance_sets_aside_the_whole_length_of_what_is_in_flight():
    books = allowance(tokens=100)
    assert books.can_reserve(60, 40)
    assert not books.can_reserve(60, 41)
    books.reserve("a", 30, 20)
    assert books.can_reserve(30, 20)
    assert not books.can_reserve(30, 21)
    books.settle("a", 30, 5, 1.0)
    # what it did not take is free again
    assert books.can_reserve(30, 35)
    assert not books.can_reserve(30, 36)
    assert books.num_in_flight == 0


def test_allowance_counts_what_is_stored_and_what_other_stages_took():
    held, before = Usage(prompt_tokens=30, completion_tokens=10), BudgetUsage(tokens=20)
    books = allowance(held, before=before, tokens=100)
    assert books.can_reserve(30, 10)
    assert not books.can_reserve(30, 11)


def test_allowance_in_dollars_goes_by_the_price():
    books = allowance(usd=0.001)  # 1000 prompt tokens, or 100 completion tokens
    assert books.can_reserve(500, 50)
    assert not books.can_reserve(500, 51)


def test_allowance_in_dollars_counts_other_teachers_answers_at_their_own_price():
    # 0.0009 of 0.001 went to a dearer teacher: what is left buys 100 prompt tokens here
    books = allowance(before=BudgetUsage(tokens=9, usd=0.0009), usd=0.001)
    assert books.can_reserve(99, 0)
    assert not books.can_reserve(101, 0)
    assert "$0.0009 of $0.001 (budget.usd)" in str(books.exceeded_error(1, 2))


def test_allowance_in_hours_leaves_the_time_of_the_longest_answer():
    books = allowance(Usage(seconds=1800.0), hours=1.0)
    books.reserve("a", 1, 1)
    books._clock.now += 1700.0
    books.settle("a", 1, 1, 60.0)
    assert books.can_reserve(1, 1)
    books._clock.now += 41.0  # 1741 s gone, and one more may take 60: one second too many
    assert not books.can_reserve(1, 1)


def test_allowance_in_dollars_by_the_hour_goes_by_the_clock():
    books = allowance(tariff=ResolvedPrice(usd_per_hour=36.0), usd=1.0)
    books._clock.now += 99.0
    assert books.can_reserve(10**9, 10**9)
    books._clock.now += 2.0
    assert not books.can_reserve(1, 1)


def test_allowance_answer_that_nobody_counted_takes_what_was_set_aside():
    books = allowance(tokens=100)
    books.reserve("a", 30, 20)
    books.settle("a", None, 0, 1.0)
    assert books.can_reserve(30, 20)
    assert not books.can_reserve(31, 20)


def test_allowance_error_says_what_is_spent_of_what_and_how_to_go_on():
    books = allowance(Usage(prompt_tokens=4000, completion_tokens=900), tokens=5000, usd=0.02)
    said = str(books.exceeded_error(88, 400))
    assert "4,900 tokens of 5,000 (budget.tokens)" in said
    assert "$0.0130 of $0.02 (budget.usd)" in said
    assert "312 of 400 requests are answered and stored; 88 are open" in said
    assert "Raise budget.usd or budget.tokens" in said


@pytest.mark.parametrize("seed", range(20))
def test_allowance_is_never_passed_whatever_is_asked_in_whatever_order(seed):
    rng = random.Random(seed)
    books, cap, spent, flying = allowance(tokens=5000), 5000, 0, {}
    for number in range(500):
        prompt, most = rng.randrange(1, 200), rng.randrange(1, 100)
        if books.can_reserve(prompt, most) and len(flying) < 8:
            books.reserve(str(number), prompt, most)
            flying[str(number)] = (prompt, most)
        elif flying:
            key = rng.choice(list(flying))
            prompt, most = flying.pop(key)
            took = rng.randrange(most + 1)
            books.settle(key, prompt, took, 1.0)
            spent += prompt + took
    # what is in flight may still come in full
    assert cap - 300 < spent + sum(prompt + most for prompt, most in flying.values()) <= cap
