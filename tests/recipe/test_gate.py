from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields


def parsed(*rules: dict[str, Any]) -> Any:
    return parse_recipe(make_recipe_fields() | {"gate": {"rules": list(rules)}}).gate.rules


def test_rule_each_kind_is_read():
    found = parsed(
        {"metric": "a", "op": "<", "bound": 1},
        {"not_worse_than": {"model": "teacher", "margin": 0.02}},
        {"better_than": {"model": "base", "metric": "accuracy"}},
        {"at_most": {"memory_mb": 210}},
        {"contamination_free": True},
        {"min_test_rows": 250},
    )
    assert found[1].not_worse_than.margin == 0.02
    assert found[2].better_than.model == "base"
    assert found[3].at_most.memory_mb == 210


def test_rules_of_every_kind_are_read_again_from_the_recipe_that_a_run_wrote():
    rules = (
        {"metric": "comparison.quality_retained", "op": "<=", "bound": 1.2},
        {"not_worse_than": {"model": "teacher", "margin": 0.02}},
        {"better_than": {"model": "base"}},
        {"at_most": {"memory_mb": 210}},
        {"contamination_free": True},
        {"min_test_rows": 250},
    )
    recipe = parse_recipe(make_recipe_fields(gate={"rules": list(rules)}))
    assert parse_recipe(recipe.model_dump(mode="json")).gate == recipe.gate


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "a rule is of one kind and has none"),
        ({"metric": "a", "bound": 1, "min_test_rows": 5}, "of one kind and has"),
        ({"metric": "a"}, "bound: missing"),
        ({"min_test_rows": 5, "bound": 3}, "op and bound belong to metric"),
        ({"not_worse_than": {"model": "teacher"}}, "gate.rules.0.not_worse_than.margin: missing"),
        ({"not_worse_than": {"model": "student", "margin": 0.1}}, "gate.rules.0.not_worse_than.model"),
        ({"not_worse_than": {"model": "teacher", "margin": 0}}, "greater than 0"),
        ({"at_most": {"memory_gb": 1}}, "unknown field"),
        ({"at_most": {}}, "at_most names no ceiling"),
        ({"contamination_free": False}, "contamination_free"),
        ({"better_than": {"model": "teacher", "metric": "rouge_l"}}, "is not among evaluation.metrics"),
    ],
)
def test_rule_that_says_nothing_or_too_much_is_refused(rule, message):
    with pytest.raises(RecipeError, match=message):
        parsed(rule)
