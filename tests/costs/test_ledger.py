"""What each part cost, in this run and in all, and when it has paid for itself."""

from typing import Any

import pytest

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import (
    Expense,
    PaidPart,
    break_even,
    budget_usage,
    completions_line,
    in_report_order,
    machine_line,
    total,
)
from stillhouse.costs.price import generation_price, hourly
from stillhouse.costs.serving import usd_per_1k_requests
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from tests.support.builders import make_built, make_recipe_fields

PRICE = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 10.0}
# 40 answers, 10 of them by an earlier run
ASKED = {
    "requests": 40,
    "from_store": 10,
    "generated": 30,
    "prompt_tokens": 3000,
    "completion_tokens": 300,
    "engine_start_seconds": 20.0,
    "seconds": 60.0,
    "bought": {"requests": 40, "prompt_tokens": 4000, "completion_tokens": 400, "seconds": 80.0},
}


def recipe(served: bool = True, price: Any = PRICE, **costs: float) -> Recipe:
    endpoint = {"endpoint": {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}} if served else {}
    teacher = {"model": "served", "price": price, **endpoint}
    return parse_recipe(make_recipe_fields() | {"teachers": [teacher], "costs": costs})


def line_of(summary: dict[str, Any], given: Recipe, *, is_cached: bool = False) -> PaidPart:
    """Return the line of a generation by the recipe's teacher."""
    stage = make_built("generate", GenerationSummary.model_validate(summary), is_cached=is_cached)
    return completions_line(Expense.GENERATION, "teacher: prompts", stage, generation_price(given.teacher, given.costs))


def test_completions_line_partly_from_store_separates_run_and_life_costs():
    line = line_of(ASKED, recipe())
    assert (line.what, line.from_store, line.run.requests, line.life.requests) == ("teacher: prompts", 10, 30, 40)
    assert line.run_usd == pytest.approx(3000e-6 + 300e-5)
    assert line.life_usd == pytest.approx(4000e-6 + 400e-5)


def test_completions_line_cached_stage_costs_this_run_nothing():
    line = line_of(ASKED, recipe(), is_cached=True)
    assert (line.run_usd, line.run.requests, line.from_store) == (0.0, 0, 40)
    assert line.life_usd == pytest.approx(0.008)


def test_completions_line_price_by_the_hour_counts_the_engines_start():
    line = line_of(ASKED, recipe(False, None, teacher_usd_per_hour=36.0))
    assert line.run_usd == pytest.approx(80.0 * 0.01)
    assert line.life_usd == pytest.approx(100.0 * 0.01)


def test_completions_line_price_by_the_hour_counts_every_replica():
    shard = {"shard": 0, "host": "a", "generated": 20, "engine_start_seconds": 10.0, "seconds": 50.0}
    summary = ASKED | {"from_store": 0, "replicas": [shard, shard | {"shard": 1, "host": "b"}]}
    line = line_of(summary, recipe(False, None, teacher_usd_per_hour=36.0))
    assert line.run.seconds == line.life.seconds == 120.0


def test_completions_line_old_record_is_known_only_if_one_run_generated_all():
    old = {name: value for name, value in ASKED.items() if name != "bought"}
    mixed = line_of(old, recipe(), is_cached=True)
    assert (mixed.run_usd, mixed.life_usd) == (0.0, None)
    whole = line_of(old | {"from_store": 0}, recipe(), is_cached=True)
    assert whole.life_usd == pytest.approx(0.006)


def test_machine_line_costs_its_seconds_in_the_run_that_built_it():
    built = machine_line(Expense.EVALUATION, make_built("evaluate", seconds=720.0), 5.0)
    assert (built.what, built.stage, built.from_store) == ("evaluation", "evaluate", None)
    assert (built.run_usd, built.life_usd) == (pytest.approx(1.0), pytest.approx(1.0))
    found = machine_line(Expense.TRAINING, make_built("train", seconds=360.0, is_cached=True), 10.0)
    assert (found.run_usd, found.life_usd) == (0.0, pytest.approx(1.0))


def test_in_report_order_sorts_by_expense_and_keeps_the_teachers_order():
    lines = [
        machine_line(Expense.TRAINING, make_built("train"), None),
        machine_line(Expense.EVALUATION, make_built("evaluate"), None),
        *(
            completions_line(expense, what, make_built("generate", GenerationSummary()), hourly(None))
            for expense, what in ((Expense.TEST_ROWS, "tests"), (Expense.GENERATION, "b"), (Expense.GENERATION, "a"))
        ),
    ]
    assert [line.what for line in in_report_order(lines)] == ["b", "a", "tests", "training", "evaluation"]


def test_budget_usage_counts_completions_and_no_machine_time():
    lines = [line_of(ASKED, recipe()), machine_line(Expense.TRAINING, make_built("train", seconds=360.0), 10.0)]
    used = budget_usage(lines)
    assert (used.tokens, used.usd, used.seconds) == (4400, pytest.approx(0.008), pytest.approx(100.0))


def test_total_unknown_part_is_unknown():
    assert total([1.0, None]) is None
    assert total([1.0, 0.0]) == 1.0
    assert machine_line(Expense.TRAINING, make_built("train", seconds=60.0), None).life_usd is None


@pytest.mark.parametrize(
    ("cost", "teacher", "student", "requests", "reason"),
    [
        (10.0, 0.003, 0.001, 5000, "saves $0.002"),
        (10.0, 0.0031, 0.001, 4762, "saves $0.0021"),  # 4761.9 rounded up: before it nothing is paid back in full
        (0.0, 0.003, 0.001, 0, "saves"),
        (10.0, 0.001, 0.003, None, "never"),
        (10.0, 0.002, 0.002, None, "never"),
        (None, 0.003, 0.001, None, "not known in full"),
        (10.0, None, 0.001, None, "a request to the teacher"),
        (10.0, 0.003, None, None, "a request to the student"),
    ],
)
def test_break_even_is_the_first_request_that_pays_all_back(cost, teacher, student, requests, reason):
    found, why = break_even(cost, teacher, student)
    assert found == requests
    assert reason in why


def test_usd_per_1k_requests_api_teacher_is_by_mean_tokens():
    numbers = {"prompt_tokens_mean": 500.0, "completion_tokens_mean": 20.0, "requests_per_second": 3.0}
    assert usd_per_1k_requests(numbers, recipe(), is_teacher=True) == pytest.approx(0.5 + 0.2)


def test_usd_per_1k_requests_local_model_is_by_throughput():
    priced = recipe(serving_usd_per_hour=1.8)
    # 25 requests a second are 90,000 an hour
    assert usd_per_1k_requests({"requests_per_second": 25.0}, priced) == pytest.approx(0.02)
    here = recipe(False, None, serving_usd_per_hour=1.8)
    assert usd_per_1k_requests({"requests_per_second": 5.0}, here, is_teacher=True) == pytest.approx(0.1)


@pytest.mark.parametrize("numbers", [{}, {"requests_per_second": None, "prompt_tokens_mean": 3.0}])
def test_usd_per_1k_requests_unmeasured_is_unknown(numbers):
    assert usd_per_1k_requests(numbers, recipe(serving_usd_per_hour=1.0)) is None
    assert usd_per_1k_requests(numbers, recipe(), is_teacher=True) is None
    assert usd_per_1k_requests({"requests_per_second": 4.0}, recipe()) is None
