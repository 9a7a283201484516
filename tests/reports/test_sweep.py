"""What a reader is told of a sweep."""

from typing import Any

from rich.console import Console

from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html
from stillhouse.reports.schema.sweep import SelectionCost, SweepReport, SweepResult, SweepRung, SweepTrial
from stillhouse.reports.sweep_page import render_sweep, section_of
from stillhouse.reports.sweep_terminal import print_sweep
from stillhouse.reports.sweep_text import (
    field_names,
    header,
    headline,
    importance_text,
    outcome_text,
    rows,
    scores_text,
    selection_text,
    summary_markdown,
    winner_text,
)


def trial(number: int, score: float, state: str = "complete", **more: Any) -> SweepTrial:
    share = 1.0 if state == "complete" else 0.25
    rung = SweepRung(share=share, rows=int(400 * share), score=score, seconds=20.0)
    measured = {"latency_s": 0.012 + number / 1000, "weight_bytes": 22_000_000, "within_limits": True}
    return SweepTrial(
        number=number,
        fields={"training.learning_rate": 10.0**-number, "student": {"model": "<b>bert</b>"}},
        state=state,
        score=score if state == "complete" else None,
        rungs=(rung,),
        seconds=20.0,
        cost_usd=0.25,
        requests=0,
        **(measured if state == "complete" else {}) | more,
    )


def report_of(**changes: Any) -> SweepReport:
    trials = (trial(0, 0.8), trial(1, 0.9, on_front=True), trial(2, 0.5, "pruned", why="among the poorer"))
    fields: dict[str, Any] = {
        "study": "a" * 64,
        "metric": "accuracy",
        "validation_rows": 250,
        "space": {"training.learning_rate": {"low": 1e-5, "high": 1e-3}, "student": [1, 2]},
        "trials": trials,
        "winner": 1,
        "ended": "all 3 trials are done",
        "importances": {"training.learning_rate": 0.75, "student": 0.25},
        "importance_method": "fANOVA",
        "selection": SelectionCost(
            chosen=0.9, expected=0.87, low=0.82, high=0.92, optimism=0.03, candidates=2, rows=250, resamples=1000,
            method="resampling",
        ),
        "requests_before": 700,
        "requests": 0,
        "seconds": 60.0,
        "cost_usd": 0.75,
    }  # fmt: skip
    tested = {
        "test_score": 0.86,
        "test_low": 0.81,
        "test_high": 0.9,
        "test_rows": 360,
        "run_id": "demo-1",
        "model": "m/1",
    }
    more = {name: changes.pop(name) for name in list(changes) if name in SweepReport.model_fields}
    return SweepReport(recipe="demo", sweep=SweepResult(**fields | changes), **tested | more)


def test_field_names_are_as_short_as_tells_them_apart():
    assert field_names(["training.lora.r", "student.encoder.epochs", "training.epochs", "layers"]) == {
        "training.lora.r": "r",
        "student.encoder.epochs": "encoder.epochs",
        "training.epochs": "training.epochs",
        "layers": "layers",
    }


def test_sweep_winner_stands_first_and_pruned_trials_say_on_how_many_rows():
    sweep = report_of().sweep
    found = rows(sweep)
    assert [row[0] for row in found] == ["1", "0", "2"]
    assert all(len(row) == len(header(sweep)) for row in found)
    assert found[0][-1] == "winner"
    assert "0.500 (100 rows)" in found[2]
    assert found[2][-1] == "pruned: among the poorer"


def test_sweep_test_score_stands_beside_the_validation_score():
    text = winner_text(report_of())
    assert "On the 360 test rows" in text
    assert "accuracy 0.860 [0.810,\u00a00.900], and 0.900 on validation rows" in text
    assert "read once and by the winner alone" in text
    assert "read by 2 winners in turn" in winner_text(report_of(test_reads=2))
    assert "leaves it out" in winner_text(report_of(test_score=None))
    assert "there is no winner, and no test row was read" in winner_text(report_of(winner=None))


def test_sweep_headline_has_both_scores():
    assert headline(report_of()) == "Trial 1 of 3 wins: accuracy 0.900 on validation rows, 0.860 on the test rows"
    assert headline(report_of(test_score=None)).endswith("0.900 on validation rows")
    assert headline(report_of(winner=None)) == "No winner among 3 trials"


def test_sweep_price_of_the_choice_is_stated_with_its_interval_or_why_it_is_not():
    text = selection_text(report_of().sweep)
    assert "0.870 [0.820,\u00a00.920] is to be expected on other rows" in text
    assert "promises +0.030" in text
    assert "not measured: too few" in selection_text(report_of(selection=None, why_no_selection="too few").sweep)


def test_sweep_importances_and_requests_are_stated():
    sweep = report_of().sweep
    assert "training.learning_rate 75\u00a0%, student 25\u00a0%; so few trials tell it roughly" in importance_text(
        sweep
    )
    assert "3 trials (2 complete, 1 pruned)" in outcome_text(sweep)
    assert "sent 0 further requests" in outcome_text(sweep)


def test_sweep_page_escapes_values_and_loads_nothing():
    page = render_sweep(report_of())
    assert "<b>bert</b>" not in page
    assert "&lt;b&gt;bert&lt;/b&gt;" in page
    assert page.count("<svg") == 2
    assert "//" not in page.split("</style>")[1]
    assert "<b>" not in summary_markdown(report_of()).split("| --- |")[1]


def test_sweep_page_without_importances_or_times_has_no_charts():
    bare = report_of(trials=(trial(0, 0.8, latency_s=None),), winner=0, importances={})
    assert "<svg" not in render_sweep(bare)
    assert section_of(None) == {"sweep": None}


def test_sweep_in_the_winner_s_report_has_both_scores(blocks: dict[str, Any]):
    report = build_report(**blocks, sweep=report_of().sweep)
    tested = report.models.student.quality["accuracy"].value
    assert "Its accuracy on validation rows is 0.900, and on the test rows" in scores_text(report)
    assert f"{tested:.3f}" in scores_text(report)
    page = render_html(report)
    assert "The sweep that chose it" in page
    assert "Its accuracy on validation rows is 0.900" in page
    assert "The sweep that chose it" not in render_html(build_report(**blocks))


def test_sweep_is_printed_for_terminals():
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as shown:
        print_sweep(console, report_of())
    assert "Trial 1 wins" in shown.get()
