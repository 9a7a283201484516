"""Expressions are compared by math-verify, and what no machine computes by its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.skills.math import Math
from stillhouse.skills.math_equivalence import is_tame, same_value


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("1/2", "0.5", True),
        ("\\frac{1}{2}", "0.5", True),
        ("7.50", "7.5", True),
        ("1+x", "x+1", True),
        ("2\\sqrt{2}", "\\sqrt{8}", True),
        ("x=5", "5", True),
        ("3", "-3", False),
        ("0.333", "1/3", False),
        ("18", "180", False),
        ("Monday", "Friday", False),
    ],
)
def test_same_value_is_symmetric(one, other, are_same):
    assert same_value(one, other) is are_same
    assert same_value(other, one) is are_same


@given(st.fractions(-1000, 1000, max_denominator=40), st.fractions(-1000, 1000, max_denominator=40))
def test_same_value_of_fractions_equals_exact_arithmetic(one, other):
    assert same_value(f"{one.numerator}/{one.denominator}", f"{other.numerator}/{other.denominator}") is (one == other)
    doubled = f"{2 * one.numerator}/{2 * one.denominator}"
    assert same_value(doubled, str(one))


@pytest.mark.parametrize(
    "bomb",
    ["9^9^9^9", "9^{9^{9}}", "9**9**9", "10^{99999}", "((9^999)^999)^999", "1000000!", "\\sum_{n=1}^{99} n", "7" * 300],
)
def test_same_value_of_endless_expressions_compares_text(bomb):
    assert not is_tame(bomb)
    assert same_value(bomb, f" {bomb}")
    assert not same_value(bomb, "1")


@pytest.mark.parametrize(
    "endless", ["7" * 5000, "1." + "3" * 5000, "1e999 cubed cubed", "1/" + "3" * 5000, "one" + " hundred" * 3000]
)
def test_same_value_of_endless_numbers_is_told_by_their_text(endless):
    assert same_value(endless, f"{endless} ")
    assert not same_value(endless, "7")
    assert Math(kind="math").parse(f"#### {endless}") == endless


@pytest.mark.parametrize("plain", ["x^2+y^2", "x^{10}", "2^{-3}", "(x+1)^2", "x^{1/2}", "10^6"])
def test_is_tame_ordinary_powers_is_true(plain):
    assert is_tame(plain)
