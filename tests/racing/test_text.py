"""A race as people read it: tables, verdicts in plain words, and the page."""

import pytest

from stillhouse.racing.html import render_race
from stillhouse.racing.standings import conclusion
from stillhouse.racing.summary import Estimated, FilterWorth, RaceReport, Round, Spent, Standing
from stillhouse.racing.text import FILTERS, STANDINGS, filter_rows, measured_text, round_title, standing_rows


def make_standing(name, quality, behind=None, p_value=None, *, usd=0.5, prompts=200):
    return Standing(
        contestant=name,
        quality=Estimated(value=quality, low=quality - 0.05, high=quality + 0.05),
        rows=prompts - 3,
        spent=Spent(prompts=prompts, requests=prompts, asked_now=0, tokens=12_000, usd=usd),
        behind=behind and Estimated(value=behind, low=behind - 0.02, high=behind + 0.02, p_value=p_value),
        is_out=False,
    )


def make_report(standings, **fields):
    filters = (
        FilterWorth(
            name="confidence",
            dropped=40,
            worth=Estimated(value=0.031, low=0.011, high=0.051, p_value=0.0004),
            verdict="earns",
            sentence="confidence earns 3.1 points <keep it>.",
        ),
        FilterWorth(name="truncated", dropped=0, worth=None, verdict="drops_nothing", sentence="It earns nothing."),
    )
    return RaceReport(
        run_id="race-1",
        recipe="bank",
        created_at="2026-11-28T23:00:00+00:00",
        student="logistic regression",
        metric="accuracy",
        confidence=0.95,
        validation_rows=300,
        draws=10,
        plan=("round 1 of 1",),
        rounds=(Round(standings=standings),),
        winner=standings[0].contestant,
        conclusion=conclusion(standings, 0.05),
        filters=filters,
        **fields,
    )


def test_conclusion_names_the_winner_where_all_others_are_shown_to_be_worse():
    said = conclusion((make_standing("a", 0.9), make_standing("b", 0.8, -0.1, 0.001)), 0.05)
    assert said == "a makes the best student, by 10.0 points [8.0, 12.0] before b."


def test_conclusion_names_equals_and_the_cheapest_of_them():
    standings = (
        make_standing("a", 0.9, usd=2.0),
        make_standing("b", 0.89, -0.01, 0.4, usd=0.2),
        make_standing("c", 0.5, -0.4, 0.001, usd=0.1),
    )
    assert conclusion(standings, 0.05) == (
        "a leads by 1.0 points [−1.0, 3.0] before b, but is not shown to make a better student than b. "
        "b takes the least of them."
    )


def test_conclusion_of_equals_that_cost_alike_advises_none():
    said = conclusion((make_standing("a", 0.9), make_standing("b", 0.89, -0.01, 0.4)), 0.05)
    assert said.endswith("better student than b.")


@pytest.mark.parametrize("usd", [None, 0.5])
def test_tables_have_a_cell_for_each_column(usd):
    report = make_report((make_standing("a", 0.9, usd=usd), make_standing("b", 0.8, -0.1, 0.0002, usd=usd)))
    first, second = standing_rows(report.rounds[0].standings)
    assert len(first) == len(STANDINGS)
    assert first[:4] == ["a", "90.0 [85.0, 95.0]", "", ""]
    assert second[2:4] == ["−10.0 [−12.0, −8.0]", "<0.001"]
    assert first[7] == ("" if usd is None else "$0.5000")
    earning, idle = filter_rows(report.filters)
    assert len(earning) == len(FILTERS)
    assert earning == ["confidence", "40", "3.1 [1.1, 5.1]", "<0.001", "earns its place"]
    assert idle[-1] == "earns nothing: changes no row"


def test_title_tells_how_many_prompts_each_had():
    equal = make_report((make_standing("a", 0.9), make_standing("b", 0.8, -0.1, 0.001)))
    paid = make_report((make_standing("a", 0.9, prompts=80), make_standing("b", 0.8, -0.1, 0.001)))
    assert round_title(equal, 0) == "Round 1: accuracy in points, 200 prompts each"
    assert round_title(paid, 0) == "Round 1: accuracy in points, 80 to 200 prompts each"
    assert "in 12 groups" in measured_text(equal.model_copy(update={"clusters": 12}))


def test_page_shows_all_of_the_report_and_escapes_it():
    html = render_race(make_report((make_standing("a", 0.9), make_standing("b", 0.8, -0.1, 0.001)), notes=("A note.",)))
    assert "confidence earns 3.1 points &lt;keep it&gt;." in html
    for text in ("a makes the best student", "What each filter is worth", "A note.", "round 1 of 1", "300 validation"):
        assert text in html
    assert "<script" not in html


def test_report_of_a_race_is_read_again():
    report = make_report((make_standing("a", 0.9), make_standing("b", 0.8, -0.1, 0.001)))
    assert RaceReport.model_validate_json(report.model_dump_json()) == report
