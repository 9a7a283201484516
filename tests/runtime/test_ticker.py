import logging

import pytest

from stillhouse.runtime.ticker import Ticker


def lines_of(caplog: pytest.LogCaptureFixture, times: list[float], total: int | None) -> list[str]:
    """Return what is said of a loop of 1,000 rows a turn, whose turns end at `times`."""
    caplog.set_level(logging.INFO)
    clock = iter([0.0, *times])
    ticker = Ticker(logging.getLogger("loop"), "rows read", total, clock=lambda: next(clock))
    for _ in times:
        ticker.add(1_000)
    return caplog.messages


def test_ticker_of_a_short_loop_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, [3.0, 6.0, 9.9], 3_000) == []


def test_ticker_of_a_long_loop_says_how_far_and_how_fast_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, [4.0, 12.0, 16.0, 21.0, 22.5], 9_000) == [
        "2,000 of 9,000 rows read, 167 a second",
        "5,000 of 9,000 rows read, 222 a second",
    ]


def test_ticker_without_a_total_counts_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, [10.0], None) == ["1,000 rows read, 100 a second"]
