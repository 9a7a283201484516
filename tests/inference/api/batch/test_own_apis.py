"""What holds for OpenAI's batches holds for Anthropic's and Gemini's, which have calls and forms of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ServiceError, ServiceUnavailable, can_pass
from tests.support.api.anthropic_server import AnthropicServer
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, texts_of, ticket_files
from tests.support.api.batch_server import Fault, serving_batches
from tests.support.api.gemini_server import GeminiServer
from tests.support.api.requests import KEY, answers, stored

FREE: dict[str, Any] = {"output": {"kind": "free"}}
PROVIDERS: dict[str, dict[str, Any]] = {
    "anthropic": {"provider": "anthropic", **FREE},
    "gemini": {"provider": "gemini", "address": "http://127.0.0.1:9/v1beta/openai", **FREE},
}


@pytest.fixture(params=list(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PROVIDERS[request.param]


@pytest.fixture
def server(
    provider: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AnthropicServer | GeminiServer]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    running = AnthropicServer() if provider["provider"] == "anthropic" else GeminiServer()
    with serving_batches(Path("socket"), running):
        yield running


def prompt_of(line: dict[str, Any]) -> str:
    return str(line["body"]["messages"][-1]["content"])


def test_batch_is_bought_once_and_its_answers_are_found_by_single_requests_keys(tmp_path, provider, server):
    server.answer = lambda line: server.answered(line["custom_id"], prompt_of(line))
    summary, told = run_with_report(tmp_path, **provider)
    assert texts_of(tmp_path) == [f"message {n}" for n in range(6)]
    assert (summary["generated"], summary["batch"], summary["price_factor"]) == (6, True, 0.5)
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (66, 12)
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)
    assert KEY not in told.text
    assert run(tmp_path, endpoint={"execution": "realtime", "batch": {}}, **provider)["from_store"] == 6


def test_what_lies_at_the_provider_is_deleted_once_answers_are_stored(tmp_path, provider, server):
    found = []

    def look(call: str, number: int) -> None:
        if call.startswith("delete"):
            found.append((len(stored(tmp_path)), len(ticket_files(tmp_path))))

    server.fault = look
    run(tmp_path, **provider)
    assert set(found) == {(6, 0)}
    assert server.deleted == [server.batches[0].id]
    # Gemini's own file of results has a name that it does not let anybody delete
    assert not [name for name in server.files if not name.startswith("batch-")]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_lines_with_a_transient_error_go_into_another_batch(tmp_path, provider, server, status):
    def answer(line: dict[str, Any]) -> dict[str, Any]:
        is_unlucky = len(server.batches) == 1 and prompt_of(line) in ("message 1", "message 4")
        return server.refused(line["custom_id"], status) if is_unlucky else server.answered(line["custom_id"])

    server.answer = answer
    run(tmp_path, **provider)
    assert sorted(server.batches[1].prompts) == ["message 1", "message 4"]
    assert texts_of(tmp_path) == ["billing"] * 6


def test_refused_prompt_is_a_failed_completion_and_is_named_by_its_row(tmp_path, provider, server):
    server.answer = lambda line: (
        server.refused(line["custom_id"], 400, "prompt is too long: 210000 tokens > 200000 maximum")
        if prompt_of(line) == "message 2"
        else server.answered(line["custom_id"])
    )
    summary, told = run_with_report(tmp_path, 4, **provider)
    assert summary["failed"] == {"too_long": 1}
    assert "row r2 is refused and counts as failed" in told.text
    assert answers(tmp_path)["r2"]["finish_reason"] == "error:too_long"
    assert bought_once_each(server, 4)


def test_every_prompt_refused_ends_the_run_with_the_servers_message(tmp_path, provider, server):
    server.answer = lambda line: server.refused(line["custom_id"], 400, "model: unknown thing")
    with pytest.raises(ServiceError, match="model: unknown thing") as caught:
        run(tmp_path, **provider)
    assert not can_pass(caught.value)
    assert len(server.batches) == 1


def test_requests_that_ran_out_of_time_are_asked_again(tmp_path, provider, server):
    server.answer = lambda line: (
        server.undone(line["custom_id"])
        if len(server.batches) == 1 and prompt_of(line) > "message 2"
        else server.answered(line["custom_id"])
    )
    run(tmp_path, **provider)
    assert [len(batch.lines) for batch in server.batches] == [6, 3]
    assert texts_of(tmp_path) == ["billing"] * 6


def test_cancelled_batch_ends_the_run_and_the_next_one_asks_the_rest(tmp_path, provider, server):
    server.end = lambda batch: "cancelled"
    server.answer = lambda line: (
        server.answered(line["custom_id"])
        if prompt_of(line) < "message 2"
        else server.undone(line["custom_id"], "batch_cancelled")
    )
    with pytest.raises(ServiceError, match="was cancelled at the provider"):
        run(tmp_path, **provider)
    assert len(stored(tmp_path)) == 2
    server.end, server.answer = (lambda batch: "completed"), (lambda line: server.answered(line["custom_id"]))
    assert run(tmp_path, **provider)["sent"] == 4


@pytest.mark.parametrize("is_done", [False, True], ids=["not heard", "heard"])
@pytest.mark.parametrize("status", [0, 500, 200])
def test_submission_without_a_readable_response_is_looked_up_before_it_is_repeated(
    tmp_path, provider, server, status, is_done
):
    server.page_size = 1
    lost = Fault(status, is_done=is_done, body="<html>")
    server.fault = lambda call, number: lost if (call, number) == ("create", 0) else None
    run(tmp_path, **provider)
    assert bought_once_each(server, 6)
    assert server.calls.count("create") == (1 if is_done else 2)


@pytest.mark.parametrize("status", [0, 500, 200])
def test_calls_without_cost_are_retried(tmp_path, provider, server, status):
    lost = {"upload", "file", "state", "content"}
    server.fault = lambda call, number: Fault(status, body="") if call in lost and number == 0 else None
    if status == 200:
        lost.remove("content")  # nothing tells an empty file of results from one that is cut off
    run(tmp_path, **provider)
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)


def test_batch_that_a_run_left_is_collected_by_the_next(tmp_path, provider, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError, match="They go on"):
        run(tmp_path, batch={"deadline_h": 0.2 / 3600}, **provider)
    server.looks_until_end = 1
    assert run(tmp_path, **provider)["sent"] == 0
    assert bought_once_each(server, 6)


def test_batch_beyond_the_accounts_limit_waits_for_another_to_end(tmp_path, provider, server):
    server.looks_until_end, server.most_waiting = 2, 3
    _, told = run_with_report(tmp_path, batch={"max_requests": 3}, **provider)
    assert [len(batch.lines) for batch in server.batches] == [3, 3]
    assert bought_once_each(server, 6)
    assert "is submitted again once another has ended" in told.text


def test_batch_beyond_the_accounts_limit_is_halved_until_it_fits(tmp_path, provider, server):
    server.most_waiting = 2
    run(tmp_path, 8, batch={"at_once": 1}, **provider)
    assert [len(batch.lines) for batch in server.batches] == [2, 2, 2, 2]
    assert bought_once_each(server, 8)
    assert not ticket_files(tmp_path)


def test_batch_of_too_many_bytes_is_halved_until_it_fits(tmp_path, provider, server):
    server.fault = lambda call, number: (
        Fault(413, body='{"error": {"message": "too much"}}') if call == "create" and number < 2 else None
    )
    run(tmp_path, 8, batch={"at_once": 1}, **provider)
    assert [len(batch.lines) for batch in server.batches] == [2, 2, 2, 2]


def test_rate_limit_that_passes_halves_nothing(tmp_path, provider, server):
    server.fault = lambda call, number: Fault(429, body="{}") if call == "create" and number < 8 else None
    run_with_report(tmp_path, settle_s=60.0, **provider)
    assert [len(batch.lines) for batch in server.batches] == [6]


def test_account_that_takes_nothing_ends_the_run_without_a_ticket(tmp_path, provider, server):
    server.most_waiting = 0
    with pytest.raises(ServiceUnavailable, match="not even a batch of one request"):
        run(tmp_path, 2, **provider)
    assert not ticket_files(tmp_path)
    assert not server.batches


def test_results_cut_off_are_fetched_again_and_not_bought_again(tmp_path, provider, server):
    whole: dict[str, bytes] = {}

    def fault(call: str, number: int) -> None:
        if call == "content" and number == 0:
            whole.update(server.files)
            server.files.update({name: data[:-200] for name, data in server.files.items()})
        elif call == "content":
            server.files.update(whole)

    server.fault = fault
    run(tmp_path, **provider)
    assert server.calls.count("content") == 2
    assert bought_once_each(server, 6)


def test_results_that_are_gone_end_the_run_and_are_not_bought_again(tmp_path, provider, server):
    server.fault = lambda call, number: server.files.clear() if call == "content" else None
    with pytest.raises(ServiceError, match=r"no longer there.*Delete work/batches"):
        run(tmp_path, **provider)
    assert len(server.batches) == 1
    assert len(ticket_files(tmp_path)) == 1


def test_wrong_key_ends_the_run_and_is_not_shown(tmp_path, provider, server, monkeypatch):
    wrong = "sk-wrong-key-0987654321"
    monkeypatch.setenv("ANTHROPIC_API_KEY", wrong)
    monkeypatch.setenv("GEMINI_API_KEY", wrong)
    with pytest.raises(ServiceError, match="set that variable to a valid key") as caught:
        run(tmp_path, **provider)
    assert wrong not in str(caught.value)
