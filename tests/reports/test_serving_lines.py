"""The card's lines are read as a shell reads them, and what they send by the server's own models."""

import shlex

from stillhouse.reports.cards import model_card
from stillhouse.reports.schema.report import Report
from stillhouse.reports.serving_lines import serving_lines
from stillhouse.serving.requests import ChatBody, PredictBody, read_body
from tests.support.served_report import report_fields


def lines_of(**changes) -> tuple[Report, list[list[str]]]:
    report = Report.model_validate(report_fields() | changes)
    marks, *lines, end = serving_lines(report).split("\n")
    assert (marks, end) == ("```sh", "```")
    return report, [shlex.split(line) for line in lines]


def test_card_of_labels_asks_for_one():
    report, (_, serve, ask) = lines_of()
    assert serve[:3] == ["stillhouse", "serve", "tickets@champion"]
    assert ask[1].endswith("/predict")
    assert read_body(PredictBody, ask[-1].encode()).text
    assert serving_lines(report) in model_card(report)


def test_card_of_free_answers_asks_for_a_chat():
    _, (_, _, ask) = lines_of(confusion=None)
    assert ask[1].endswith("/v1/chat/completions")
    assert read_body(ChatBody, ask[-1].encode()).model == "tickets"


def test_card_without_a_student_shows_no_server():
    fields = report_fields()
    fields["models"]["student"] = None
    assert serving_lines(Report.model_validate(fields)) == ""
