"""What is Anthropic's alone: its list does not tell whose a batch is, and its results have an address of their own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ServiceError
from tests.support.api.anthropic_server import AnthropicServer
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, texts_of, ticket_files
from tests.support.api.batch_server import Batch, Fault, serving_batches
from tests.support.api.requests import KEY, stored

ANTHROPIC: dict[str, Any] = {"provider": "anthropic", "output": {"kind": "free"}}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    running = AnthropicServer()
    with serving_batches(Path("socket"), running):
        yield running


def add_anothers(server: AnthropicServer, num_requests: int, age_s: float = 0.0) -> Batch:
    """A batch of somebody else in the same workspace."""
    lines = [{"custom_id": f"theirs-{n}", "body": {"messages": [{"content": "theirs"}]}} for n in range(num_requests)]
    return server.add(lines, time.time() - age_s)


def lose(server: AnthropicServer, *, is_done: bool, and_add: int = 0) -> None:
    """Give no response to the first submission; right after it somebody else submits a batch of `and_add` requests."""

    def fault(call: str, number: int) -> Fault | None:
        if (call, number) == ("list", 0) and and_add:
            add_anothers(server, and_add)
        return Fault(is_done=is_done) if (call, number) == ("create", 0) else None

    server.fault = fault


def test_anothers_batch_of_the_same_size_is_left_alone_and_ours_is_found(tmp_path, server):
    lose(server, is_done=True, and_add=6)
    _, told = run_with_report(tmp_path, **ANTHROPIC)
    ours, theirs = server.batches
    assert f"batch {theirs.id} is another's, and is left alone" in told.text
    assert server.deleted == [ours.id]
    assert texts_of(tmp_path) == ["billing"] * 6
    assert server.calls.count("create") == 1
    assert not ticket_files(tmp_path)


def test_submission_that_was_not_heard_is_made_again_once_anothers_batch_has_shown_itself(tmp_path, server):
    lose(server, is_done=False, and_add=6)
    run(tmp_path, **ANTHROPIC)
    theirs, ours = server.batches
    assert [batch.keys[0] == "theirs-0" for batch in (theirs, ours)] == [True, False]
    assert server.deleted == [ours.id]
    assert texts_of(tmp_path) == ["billing"] * 6


@pytest.mark.parametrize(("num_requests", "age_s"), [(5, 0.0), (6, 1000.0), (6, -7200.0)])
def test_batch_of_another_size_or_time_is_not_taken_for_ours(tmp_path, server, num_requests, age_s):
    add_anothers(server, num_requests, age_s)
    lose(server, is_done=False)
    run(tmp_path, **ANTHROPIC)
    assert server.calls.count("content") == 1
    assert server.deleted == ["msgbatch_1"]


def test_guess_survives_the_end_of_its_run(tmp_path, server):
    server.looks_until_end = 10**9
    lose(server, is_done=True, and_add=6)
    with pytest.raises(ServiceError, match="They go on"):
        run(tmp_path, batch={"deadline_h": 2.0 / 3600}, **ANTHROPIC)
    server.looks_until_end = 1
    assert run(tmp_path, **ANTHROPIC)["sent"] == 0
    assert server.deleted == [server.batches[0].id]
    assert texts_of(tmp_path) == ["billing"] * 6


@pytest.mark.parametrize("is_done", [False, True], ids=["not heard", "heard"])
def test_own_batches_of_the_same_size_are_told_apart(tmp_path, server, is_done):
    # the answer to the second submission is lost, while the first batch, as large, still runs
    server.looks_until_end = 3
    server.fault = lambda call, number: Fault(is_done=is_done) if (call, number) == ("create", 1) else None
    _, told = run_with_report(tmp_path, 6, batch={"max_requests": 2}, **ANTHROPIC)
    assert "is another's" not in told.text
    assert bought_once_each(server, 6)
    assert len(server.deleted) == 3


def test_guessed_batch_that_is_deleted_meanwhile_is_none(tmp_path, server):
    def fault(call: str, number: int) -> Fault | None:
        if (call, number) == ("list", 0):
            add_anothers(server, 6)
        if (call, number) == ("state", 0):
            server.batches.clear()
        return Fault() if (call, number) == ("create", 0) else None

    server.fault = fault
    run(tmp_path, **ANTHROPIC)
    assert bought_once_each(server, 6)


def test_results_are_fetched_from_the_endpoint_whatever_place_it_names(tmp_path, server):
    server.results_host = "https://elsewhere.example"
    run(tmp_path, **ANTHROPIC)
    assert texts_of(tmp_path) == ["billing"] * 6
    assert server.calls.count("content") == 1


def test_submission_is_one_json_object_of_the_length_that_it_says(tmp_path, server):
    # more than one chunk of the file, and lines that end anywhere in them
    run(tmp_path, 9, prompt={"system": "Sort é. " * 50_000}, **ANTHROPIC)
    assert server.sizes[0] > 3_000_000
    assert bought_once_each(server, 9)
    assert server.batches[0].lines[0]["body"]["system"].startswith("Sort é. ")


def test_thoughts_and_cached_tokens_of_a_message_are_kept_and_counted(tmp_path, server):
    content = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "billing"}]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 0, "output_tokens": 5}
    server.answer = lambda line: server.answered(line["custom_id"], content=content, usage=usage)
    summary = run(tmp_path, 2, **ANTHROPIC)
    assert texts_of(tmp_path) == ["billing"] * 2
    assert (summary["prompt_tokens"], summary["completion_tokens"], summary["cached_tokens"]) == (22, 10, 16)


@pytest.mark.parametrize(("reason", "kept"), [("max_tokens", "length"), ("refusal", "error:content_filter")])
def test_end_of_a_message_is_read(tmp_path, server, reason, kept):
    server.answer = lambda line: server.answered(line["custom_id"], "bil", reason)
    run(tmp_path, 1, **ANTHROPIC)
    assert [line["finish_reason"] for line in stored(tmp_path)] == [kept]
