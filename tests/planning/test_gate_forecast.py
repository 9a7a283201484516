import math

import pytest
from scipy import stats

from stillhouse.planning.gate_forecast import forecast_gate, gate_line
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields


def forecast(*rules: dict, rows: int = 250, look: int = 1) -> list:
    recipe = parse_recipe(make_recipe_fields() | {"gate": {"rules": list(rules)}})
    return list(forecast_gate(recipe, rows, look))


NOT_WORSE = {"not_worse_than": {"model": "teacher", "margin": 0.05}}


def test_gate_forecast_rows_for_a_margin_are_near_those_of_the_textbook():
    # equally good models that differ on a tenth of the rows: (z_a + z_b)^2 d / margin^2
    quantiles = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    (found,) = forecast(NOT_WORSE)
    assert found.rows_needed == pytest.approx(quantiles**2 * 0.1 / 0.05**2, rel=0.1)
    assert found.power < 0.8
    assert "expect it to be undecidable" in gate_line(found)


def test_gate_forecast_later_looks_and_more_rules_take_more_rows():
    (first,), (later,), many = forecast(NOT_WORSE), forecast(NOT_WORSE, look=9), forecast(NOT_WORSE, NOT_WORSE)
    assert first.rows_needed < many[0].rows_needed < later.rows_needed
    assert later.look == 9


def test_gate_forecast_better_than_names_the_gain_that_shows():
    (found,) = forecast({"better_than": {"model": "base"}}, rows=500)
    expected = (stats.norm.isf(0.025) + stats.norm.isf(0.2)) * math.sqrt(0.1 / 500)
    # the exact test asks for a little more than the textbook's normal one
    assert expected < found.smallest < 1.15 * expected
    assert "show a gain of" in gate_line(found)


def test_gate_forecast_rules_about_one_number_need_no_rows():
    assert forecast({"min_test_rows": 5}, {"metric": "a", "bound": 1}) == []
