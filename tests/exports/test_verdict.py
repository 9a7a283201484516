"""When an export is refused."""

import pytest

from stillhouse.exports.verdict import reasons_against
from stillhouse.recipe.export import ExportGate

GATE = ExportGate()


@pytest.mark.parametrize(
    ("agreement", "loss"), [(0.98, 0.01), (1.0, -0.2), (None, 0.0)], ids=["at both bounds", "better", "free answers"]
)
def test_export_that_loses_no_more_than_the_gate_allows_passes(agreement: float | None, loss: float):
    assert reasons_against([], agreement, loss, GATE) == ()


@pytest.mark.parametrize(
    ("agreement", "loss", "says"),
    [
        (0.979, 0.0, "it agrees with the student on 0.979 of the test rows, below 0.98"),
        (1.0, 0.02, "it is 0.020 below the student, more than 0.01"),
        (None, 0.011, "it is 0.011 below the student, more than 0.01"),
        (None, None, "its quality was not measured"),
    ],
)
def test_export_that_loses_more_is_refused_with_the_number(agreement: float | None, loss: float | None, says: str):
    assert reasons_against([], agreement, loss, GATE) == (says,)


def test_export_with_a_fault_is_refused_whatever_it_answers():
    assert reasons_against(["model.gguf was changed."], 1.0, 0.0, GATE) == ("model.gguf was changed",)


def test_export_bounds_are_the_recipes():
    assert reasons_against([], 0.9, 0.05, ExportGate(min_agreement=0.9, max_loss=0.05)) == ()
