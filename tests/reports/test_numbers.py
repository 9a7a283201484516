import pytest

from stillhouse.reports import numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbers.count(12480), "12,480"),
        (numbers.decimal(-0.0512), "−0.051"),
        (numbers.signed(0.4296, 2), "+0.43"),
        (numbers.percent(0.974), "97\u00a0%"),
        (numbers.interval(0.3, None), ""),
        (numbers.milliseconds(41.23), "41.2\u00a0ms"),
        (numbers.seconds(311.0), "5\u00a0min\u00a011\u00a0s"),
        (numbers.seconds(119.94), "119.9\u00a0s"),
        (numbers.seconds(7201), "2.0\u00a0h"),
        (numbers.size(127_409_280), "122\u00a0MiB"),
        (numbers.size(0), "0\u00a0B"),
        (numbers.parameters(63_704_640), "63.7\u00a0M"),
        (numbers.dollars(0.00042), "$0.00042"),
        (numbers.dollars(0.0236), "$0.024"),
        (numbers.dollars(0.104), "$0.10"),
        (numbers.dollars(0.0), "$0.00"),
        (numbers.p_value(0.0), "p\u00a0<\u00a00.001"),
        (numbers.metric_name("macro_f1"), "macro F1"),
    ],
)
def test_number_is_printed_with_sensible_digits(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize("form", ["count", "decimal", "signed", "percent", "rate", "milliseconds", "seconds", "size",
                                  "parameters", "dollars"])  # fmt: skip
def test_number_none_is_not_measured(form: str) -> None:
    assert getattr(numbers, form)(None) == "not measured"
