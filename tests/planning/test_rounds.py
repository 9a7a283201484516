"""A plan of rounds says how many requests there are at most."""

from typing import Any

import pytest

from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.plan import make_plan
from stillhouse.planning.rounds import prompts_of_rounds
from stillhouse.recipe.load import parse_recipe
from stillhouse.rounds.choose import Choice, first_prompts
from stillhouse.teachers.probe_result import ListedPrompt, ProbeResult
from tests.support.builders import make_completion, make_recipe_fields
from tests.support.planned_recipe import row

LABELS = ("billing", "delivery", "returns")
ROWS = [row(number, f"question {number}") for number in range(200)]
SPLITS = (ROWS[:180], ROWS[180:])
TEACHER = {
    "model": "m",
    "endpoint": {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", "serves": "m"},
}


def plan_of(rounds: dict[str, Any], stored: frozenset[str] = frozenset()) -> Any:
    skill = {"skill": {"kind": "classification", "labels": list(LABELS)}}
    recipe = parse_recipe(make_recipe_fields(TEACHER, rounds=rounds) | skill)
    prompts = [
        ListedPrompt(
            (one["id"],),
            10,
            {one["id"]: 1},
            [make_completion("billing")] if one["id"] in stored else [],
            is_probed=False,
        )
        for one in ROWS
    ]
    return make_plan(PlanInputs(recipe, LABELS, [ProbeResult(recipe.teacher, prompts)], SPLITS))


@pytest.mark.parametrize(
    ("rounds", "most", "said"),
    [
        (
            {"first": 0.5, "prompts_per_round": 20, "count": 3},
            130,
            "first of 90 training prompts and the others of up to 20",
        ),
        ({"first": 0.5, "count": 3}, 180, "at most 180 of 180"),
        ({"first": 0.1, "prompts_per_round": 500, "count": 2}, 180, "at most 180 of 180, and 20 validation prompts"),
    ],
)
def test_plan_of_rounds_counts_the_most_that_they_ask_and_the_validation_prompts(
    rounds: dict[str, Any], most: int, said: str
):
    plan = plan_of(rounds)
    assert plan.requests == most + 20
    assert any(said in note for note in plan.notes)


def test_plan_of_rounds_stands_on_the_prompts_of_the_first_round():
    recipe = parse_recipe(
        make_recipe_fields(TEACHER, rounds={"first": 0.5, "prompts_per_round": 20, "count": 2, "seed": 3})
    )
    assert recipe.rounds
    choice = Choice(
        first=0.5,
        num_later=1,
        each=20,
        choose="random",
        unsure_by="margin",
        max_similarity=0.8,
        seed=recipe.rounds.seed,
    )
    counted = prompts_of_rounds(recipe, recipe.rounds, SPLITS)
    assert set(first_prompts([one["id"] for one in SPLITS[0]], choice)) < counted
    plan = plan_of({"first": 0.5, "prompts_per_round": 20, "count": 2, "seed": 3}, counted)
    assert (plan.requests, plan.survivors.judged) == (0, 130)
    assert not plan.survivors.dropped
