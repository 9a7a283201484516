"""When another round begins, and what one is measured on."""

from typing import Any

import numpy as np
import pytest

from stillhouse.errors import DataError
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.significance import Interval
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.rounds import Rounds
from stillhouse.rounds.measure import measure_on
from stillhouse.rounds.result import RoundCost, RoundResult, why_stop
from tests.support.builders import make_recipe_fields, make_row


def result(number: int = 2, gain: float | None = 0.02, **changes: Any) -> RoundResult:
    own = {
        "number": number,
        "prompts": 500,
        "again": 0,
        "examples": 900,
        "cost": RoundCost(requests=500, tokens=50_000, usd=4.0),
        "quality": Interval(0.8, 0.75, 0.85, 200),
        "gain": None if gain is None else Interval(gain, gain - 0.03, gain + 0.03, 200),
        "is_cut": False,
        "left": 100,
    }
    return RoundResult(**(own | changes))


@pytest.mark.parametrize(
    ("found", "rounds", "expected"),
    [
        # 2 points for 500 requests are 4 a thousand
        (result(), {"min_gain": 3.9}, ""),
        (result(), {"min_gain": 4.1}, "brought 4 points a thousand requests, no more than rounds.min_gain: 4.1"),
        (result(), {"min_gain": 0.51, "gain_per": "usd"}, "brought 0.5 points a US dollar"),
        (result(), {"min_gain": 0.49, "gain_per": "usd"}, ""),
        (result(), {"gain_by": "low"}, "brought -2 points a thousand requests at the low end of its interval"),
        (result(gain=-0.02), {"gain_by": "high"}, ""),
        (result(gain=-0.02), {}, "brought -4 points"),
        (result(gain=0.0), {}, "brought 0 points"),
        (result(gain=-0.5), {"min_gain": None}, ""),
        (result(1, None), {"min_gain": 99}, ""),
        (result(3), {}, "rounds.count is 3"),
        (result(left=0), {}, "all prompts are asked"),
        (result(is_cut=True), {}, "the budget for rounds was spent"),
        (result(cost=RoundCost(500, 1, None)), {"gain_per": "usd", "min_gain": 9}, ""),
    ],
)
def test_rounds_stop_after_one_that_brings_less_than_its_cost(
    found: RoundResult, rounds: dict[str, Any], expected: str
):
    why = why_stop([result(1, None), found], Rounds(**rounds))
    assert why == expected if not expected else expected in why


LABELS = ("a", "b")


def measured(truth: dict[str, Truth], answered: list[str], **more: Any) -> Any:
    recipe = parse_recipe(make_recipe_fields({"model": "./teacher"}, rounds={}, **more))
    rows = [make_row(one) for one in ("1", "2", "3", "4")]
    return measure_on(rows, truth, {one: Scored("a", None, None) for one in answered}, recipe, LABELS)


def test_measure_is_on_rows_of_which_something_is_known_and_pairs_them():
    truth = {one: Truth(["a"], has_reference=one != "3") for one in ("1", "2", "3")}
    found = measured(truth, ["1", "2", "3", "4"])
    assert (found.row_ids, found.by_references) == (("1", "2", "3"), False)
    assert measured({"1": truth["1"]}, ["1"]).by_references
    right, wrong = found.answers_of({one: Scored("a", None, None) for one in "123"}), ["b", "b", "a"]
    assert found.quality(right).value == 1.0
    gain = found.gain(right, wrong)
    # by hand: two of three rows are won; of the paired resamples none loses one
    assert gain.value == pytest.approx(2 / 3)
    assert 0.0 <= gain.low < gain.value <= gain.high == 1.0
    same = found.gain(wrong, wrong)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert found.answers_of({}) == [None, None, None]
    assert not np.isnan(found.quality([None, None, None]).value)


def test_measure_of_rounds_without_validation_rows_is_refused():
    with pytest.raises(DataError, match="rounds are measured on validation rows, and of none it is known"):
        measured({}, ["1"])
