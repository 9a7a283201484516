"""The rounds of a race: how many, how large, and what they ask at most."""

import pytest

from stillhouse.racing.halves import half_of, in_order
from stillhouse.racing.schedule import num_rounds, num_staying, plan_lines, prompts_for, round_shares
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.race import Race
from tests.support.builders import make_recipe_fields


@pytest.mark.parametrize(("contestants", "rounds"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (8, 3), (16, 4)])
def test_rounds_halve_the_contestants_to_two(contestants, rounds):
    assert num_rounds(Race(), contestants) == rounds
    running = contestants
    for _ in range(rounds - 1):
        running = num_staying(running, is_last=False)
    assert running <= 2
    assert num_staying(running, is_last=True) == 0


def test_round_shares_grow_by_a_factor_to_the_whole():
    assert round_shares(Race(prompts=800, first_prompts=200), 3) == pytest.approx([0.25, 0.5, 1.0])
    assert round_shares(Race(), 1) == [1.0]


@pytest.mark.parametrize(
    ("budget", "per_prompt", "most", "prompts"),
    [(1000, 10, 800, 100), (1000, 1, 800, 800), (100, 10, 800, 32), (5, 0, 800, 800), (5, None, 800, 800)],
)
def test_budget_buys_prompts_between_a_probe_and_the_most(budget, per_prompt, most, prompts):
    assert prompts_for(budget, per_prompt, most) == prompts


def test_plan_counts_the_requests_of_the_costliest_who_may_run():
    recipe = parse_recipe(make_recipe_fields())
    sampled = recipe.teacher.model_copy(update={"sampling": recipe.teacher.sampling.model_copy(update={"n": 3})})
    costly = recipe.model_copy(update={"teachers": (sampled,)})
    lines = plan_lines(Race(), {"a": recipe, "b": recipe, "c": costly}, ("truncated",), available=1000)
    assert lines[0].endswith("3 contestants, 200 prompts each (200 of them new), at most 1,000 requests")
    # two of the three run on, and one of them may be the costly one
    assert lines[1].endswith("2 contestants, 800 prompts each (600 of them new), at most 2,400 requests")
    assert lines[2] == "then the worth of 1 filter on the winner's prompts, 0 requests: truncated"


def test_halves_are_half_of_the_prompts_and_differ_by_draw():
    ids = [f"row{at}" for at in range(101)]
    halves = [half_of(ids, 0, draw) for draw in range(20)]
    assert {len(half) for half in halves} == {51}
    assert len(set(halves)) == 20
    assert half_of(reversed(ids), 0, 3) == halves[3]
    drawn = [sum(one in half for half in halves) for one in ids]
    assert min(drawn) >= 3
    assert max(drawn) <= 17


def test_larger_slice_holds_the_smaller_one():
    ids = [f"row{at}" for at in range(50)]
    assert in_order(ids, 1, "slice")[:10] == in_order([*ids[25:], *ids[:25]], 1, "slice")[:10]
    assert in_order(ids, 1, "slice") != in_order(ids, 2, "slice")
