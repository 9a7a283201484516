"""Requests through batches, from the first submission to the last collected batch."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ServiceError
from stillhouse.teachers.api_worker import generate
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, texts_of, ticket_files
from tests.support.api.batch_server import answered
from tests.support.api.requests import KEY, RecordingReporter, connect_over, spec, teacher
from tests.support.api.server import Received, serving
from tests.support.api.server import answer as completion


def test_batches_give_each_row_a_completion_at_half_the_price(tmp_path, server):
    server.answer = lambda line: answered(line["custom_id"], line["body"]["messages"][-1]["content"])
    summary, reporter = run_with_report(tmp_path, output={"kind": "free"})
    assert texts_of(tmp_path) == [f"message {n}" for n in range(6)]
    assert (summary["requests"], summary["generated"], summary["sent"], summary["failed"]) == (6, 6, 6, {})
    assert (summary["batch"], summary["price_factor"]) == (True, 0.5)
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (66, 12)
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)
    assert KEY not in reporter.text


def test_batch_and_single_requests_share_one_store_and_one_form(tmp_path, server):
    server.answer = lambda line: answered(line["custom_id"], '{"answer":"delivery"}')
    run(tmp_path, 4)
    # nothing is asked one by one, and no server is there to ask
    summary = generate(spec(tmp_path, teacher(), 4), RecordingReporter())
    assert (summary["from_store"], summary["generated"]) == (4, 0)
    assert texts_of(tmp_path) == ["delivery"] * 4


def test_batch_after_single_requests_holds_only_the_missing_ones(tmp_path, server):
    sent: list[Received] = []

    def plan(received: Received) -> Any:
        sent.append(received)
        return completion('{"answer":"billing"}')

    with serving(plan, Path("single")):
        generate(spec(tmp_path, teacher(), 2), RecordingReporter(), connect_over(Path("single")))
    summary = run(tmp_path, 5)
    assert (summary["from_store"], summary["sent"]) == (2, 3)
    # a line holds what a single request does
    by_prompt = dict(zip(server.batches[0].prompts, server.batches[0].lines, strict=True))
    assert sorted(by_prompt) == ["message 2", "message 3", "message 4"]
    single = {**sent[0].body, "messages": None}
    assert {**by_prompt["message 2"]["body"], "messages": None} == single


def test_second_run_submits_nothing_and_needs_no_api_key(tmp_path, server, monkeypatch):
    run(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY")
    before = len(server.calls)
    assert run(tmp_path)["sent"] == 0
    assert len(server.calls) == before


def test_open_batches_are_at_most_those_of_the_recipe(tmp_path, server):
    most = []

    def end(batch: Any) -> str:
        most.append(sum(found.status == "in_progress" for found in server.batches))
        return "completed"

    server.end = end
    run(tmp_path, 6, {"max_requests": 1, "at_once": 2})
    assert len(server.batches) == 6
    assert max(most) == 2


def test_progress_is_reported_at_every_poll_though_nothing_moves(tmp_path, server):
    server.looks_until_end = 12
    _, reporter = run_with_report(tmp_path, 3)
    looks = [json.loads(line) for line in reporter.text.splitlines() if '"progress"' in line]
    assert len(looks) >= 12
    assert {line["done"] for line in looks} == {1, 2, 3}


def test_failed_batch_ends_the_run_with_the_providers_message(tmp_path, server):
    def end(batch: Any) -> str:
        batch.errors = [{"code": "invalid_json_line", "message": "Line 3 is no JSON", "line": 3}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match="Line 3 is no JSON"):
        run(tmp_path)
    assert not ticket_files(tmp_path)


def test_batch_above_the_token_limit_is_submitted_again_after_another_ended(tmp_path, server):
    def end(batch: Any) -> str:
        if batch.id == "batch_1":
            batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
            return "failed"
        return "completed"

    server.end, server.looks_until_end = end, 2
    run(tmp_path, 9, {"max_requests": 3})
    assert bought_once_each(server, 9)
    assert len(server.batches) == 4


@pytest.mark.parametrize("code", ["token_limit_exceeded", "too_many_tasks"])
def test_batch_too_large_for_the_account_is_halved_until_it_fits(tmp_path, server, code):
    def end(batch: Any) -> str:
        if len(batch.lines) <= 2:
            return "completed"
        batch.errors = [{"code": code, "message": "Enqueued token limit reached"}]
        return "failed"

    server.end = end
    summary = run(tmp_path, 7, {"at_once": 1})
    assert (summary["generated"], summary["failed"]) == (7, {})
    assert bought_once_each(server, 7)
    # 7 and 3 are refused; then one at a time
    assert [len(batch.lines) for batch in server.batches] == [7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_batch_of_one_request_above_the_token_limit_ends_the_run(tmp_path, server):
    def end(batch: Any) -> str:
        batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match="let the account's other batches end first"):
        run(tmp_path)
    assert not ticket_files(tmp_path)
