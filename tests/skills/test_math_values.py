"""Answers that are numbers: lists, units, scales, times of day and number words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.skills.math_equivalence import compare
from stillhouse.skills.number_words import with_digits


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("1,2", "2,1", True),
        ("1,2", "12", False),
        ("5,7,9", "579", False),
        ("12,34", "1234", False),
        ("0,5", "5", False),
        ("7 8", "78", False),
        ("-1,1", "\\pm 1", True),
        ("1 and 2", "\\{2,1\\}", True),
        ("x = 2 or x = 3", "3, 2", True),
        ("(1,2)", "(2,1)", False),
        ("1,200", "1200", True),
        ("1,00,000", "100000", True),
        ("1 000", "1000", True),
        ("1.000,5", "1000.5", True),
        ("1.000.000", "1000000", True),
        ("1'200", "1200", True),
        ("1{,}000", "1000", True),
        ("−5", "-5", True),
        ("－5", "5", False),
        ("٥", "5", True),
        ("५", "5", True),
        ("5 km", "5 m", False),
        ("5 km", "5000 meters", True),
        ("5 km", "5", True),
        ("5 kg", "5 km", False),
        ("2 hours", "120 minutes", True),
        ("5 square meters", "5 m", False),
        ("5 euros", "5 dollars", False),
        ("50 cents", "0.50", True),
        ("5 million", "5", False),
        ("5 million", "5000000", True),
        ("5 dozen", "60", True),
        ("3 lakh", "300000", True),
        ("2 crore", "20000000", True),
        ("5万", "50000", True),
        ("5k", "5000", True),
        ("3 millones", "3000000", True),
        ("5%", "0.05", True),
        ("5 percent", "5%", True),
        ("2 1/2", "5/2", True),
        ("-2 1/2", "-2.5", True),
        ("2½", "2.5", True),
        ("90^\\circ", "90", True),
        ("90°", "90 degrees", True),
        ("5 pi", "5", False),
        ("5 pi", "5\\pi", True),
        ("5 squared", "5", False),
        ("5 squared", "25", True),
        ("2 thirds", "2", False),
        ("2 thirds", "2/3", True),
        ("5-7", "-2", False),
        ("5–7", "5 to 7", True),
        ("5-7", "5", False),
        ("५ लाख", "500000", True),
        ("3 and a half", "3.5", True),
        ("5√2", "5", False),
        ("√4", "2", True),
        ("5+", "5", None),
        ("5th", "5", None),
        ("5 more than x", "5", None),
        ("100!", "5", None),
    ],
)
def test_compare_lists_units_scales_and_signs(one, other, are_same):
    assert compare(one, other) is are_same
    assert compare(other, one) is are_same


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("2 hours 30 minutes", "150 minutes", True),
        ("2 hours and 30 minutes", "2.5 hours", True),
        ("2h 30m", "2.5", True),
        ("2 hours 30 minutes", "150", True),
        ("2 hours 30 minutes", "2", False),
        ("2 hours 30 minutes", "30", False),
        ("2 hours 30 km", "2", None),
        ("5 ft 6 in", "5.5 feet", True),
        ("5'6\"", "66 inches", True),
        ("1 kg 200 g", "1.2 kg", True),
        ("-1 h 30 min", "-90 min", True),
        ("5 dollars and 50 cents", "$5.50", True),
        ("2 years 6 months", "30 months", True),
        ("1e6", "1000000", True),
        ("1.2e-3", "0.0012", True),
        ("1.2 x 10^6", "1200000", True),
        ("6.02 \\times 10^{23}", "6.02 x 10^22", False),
        ("10⁻³", "0.001", True),
        ("10^9999", "5", False),
        ("1e9999999", "5", False),
        ("3,5 km", "3.5 km", True),
        ("2,50 €", "2.5", True),
        ("3,5", "3.5", None),
        ("3,5", "35", False),
        ("1.234", "1234", None),
        ("€18", "$18", False),
        ("USD 18", "$18", True),
        ("£5", "5 pounds", True),
        ("£5", "5 kg", False),
        ("50 paise", "₹0.5", True),
        ("almost 18", "18", True),
        ("18 or so", "18", True),
        ("12:30", "12.5", False),
        ("12:30 AM", "12:30 PM", False),
        ("1:30 pm", "13:30", True),
        ("5 pm", "5:00 p.m.", True),
        ("5 pm", "5 am", False),
        ("5 pm", "5", True),
        ("July 4, 2020", "4", False),
        ("July 4, 2020", "4 July 2020", None),
        ("3:4", "6 to 8", True),
        ("3:4", "4:3", False),
        ("3:4", "0.75", True),
        ("17 R 2", "17 remainder 2", True),
        ("17 remainder 2", "17", False),
        ("x ∈ [1, 2]", "1 ≤ x ≤ 2", True),
        ("3 < x", "x > 3", True),
        ("≥ 5", "5", None),
        ("±5", "5", False),
        ("3 x 4", "12", True),
        ("2**10", "1024", True),
        ("\\log_2 8", "3", True),
        ("three quarters", "75%", True),
        ("half a dozen", "6", True),
        ("minus five", "-5", True),
        ("three point one four", "3.14", True),
        ("two or three", "3, 2", True),
        ("five six", "11", False),
        ("7 8", "15", False),
        ("-5 degrees Celsius", "-5°C", True),
        ("5 degrees", "5°F", True),
        ("5°F", "5°C", False),
        ("an hour and a half", "90 minutes", True),
        ("2 hours and a half", "2.5", True),
        ("five times", "5", None),
        ("Two Rivers", "2", False),
    ],
)
def test_compare_amounts_times_and_words(one, other, are_same):
    assert compare(one, other) is are_same
    assert compare(other, one) is are_same


SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENS_WORDS = "- - twenty thirty forty fifty sixty seventy eighty ninety"
SMALL, TENS = SMALL_WORDS.split(), TENS_WORDS.split()


def spelled(number: int) -> str:
    """Return a number as English writes it, by division: the reader adds up."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + (f"-{SMALL[number % 10]}" if number % 10 else "")
    for scale, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = number % scale
            joint = " and " if rest < 100 else " "
            return f"{spelled(number // scale)} {name}" + (joint + spelled(rest) if rest else "")
    raise AssertionError


@given(st.integers(0, 10**11), st.sampled_from([str.lower, str.capitalize, str.upper]))
def test_number_words_are_the_number(number, case):
    assert with_digits(case(spelled(number))) == str(number)
    assert compare(spelled(number), f"{number:,}") is True
    assert compare(spelled(number), str(number + 1)) is False


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_time_in_three_units_is_its_seconds(hours, minutes, seconds):
    said = f"{hours} hours, {minutes} minutes and {seconds} seconds"
    total = Fraction(hours * 3600 + minutes * 60 + seconds)
    assert compare(said, f"{total} seconds") is True
    assert compare(said, f"{total / 3600} hours") is True
    assert compare(said, f"{total + 1} seconds") is False


@given(
    st.integers(1, 9999),
    st.integers(-30, 30),
    st.sampled_from(["e{}", " × 10^{}", " \\times 10^{{{}}}", "E{}", "*10**{}"]),
)
def test_power_of_ten_in_any_form_is_its_value(number, power, form):
    value = Fraction(number) * Fraction(10) ** power
    assert compare(f"{number}{form.format(power)}", f"{value.numerator}/{value.denominator}") is True
    assert compare(f"{number}{form.format(power + 1)}", f"{value.numerator}/{value.denominator}") is False
