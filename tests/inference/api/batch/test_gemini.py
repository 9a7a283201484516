"""What is Gemini's alone: where its files go, and how its operations end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import RecipeError, ServiceError
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, texts_of
from tests.support.api.batch_server import Batch, serving_batches
from tests.support.api.gemini_server import GeminiServer, response
from tests.support.api.requests import KEY, stored

GEMINI: dict[str, Any] = {
    "provider": "gemini",
    "address": "http://127.0.0.1:9/v1beta/openai",
    "output": {"kind": "free"},
}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    running = GeminiServer()
    with serving_batches(Path("socket"), running):
        yield running


def test_file_goes_to_no_host_that_the_key_may_not_go_to(tmp_path, server):
    server.upload_host = "https://elsewhere.example"
    with pytest.raises(RecipeError, match=r"GEMINI_API_KEY may not go to elsewhere\.example"):
        run(tmp_path, **GEMINI)
    assert server.calls == ["upload"]


def test_uploaded_file_that_is_still_processed_is_waited_for(tmp_path, server):
    server.file_looks = 3
    run(tmp_path, **GEMINI)
    assert server.calls.count("file") == 3
    assert bought_once_each(server, 6)


def test_batch_that_ran_out_of_time_as_a_whole_is_asked_again(tmp_path, server):
    # after 48 hours it has no results at all
    server.end = lambda batch: "expired" if batch is server.batches[0] else "completed"
    run(tmp_path, **GEMINI)
    assert [len(batch.lines) for batch in server.batches] == [6, 6]
    assert texts_of(tmp_path) == ["billing"] * 6


def test_failed_batch_ends_the_run_with_the_providers_words(tmp_path, server):
    def end(batch: Batch) -> str:
        batch.errors = [{"code": 3, "message": "Line 3 is no request"}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match="Line 3 is no request"):
        run(tmp_path, **GEMINI)


def test_failed_batch_beyond_the_accounts_limit_is_halved(tmp_path, server):
    def end(batch: Batch) -> str:
        if len(batch.lines) <= 2:
            return "completed"
        batch.errors = [{"code": 8, "message": "Enqueued tokens"}]
        return "failed"

    server.end = end
    run(tmp_path, 4, {"at_once": 1}, **GEMINI)
    assert [len(batch.lines) for batch in server.batches] == [4, 2, 2]


def test_file_of_results_that_cannot_be_deleted_is_told_of(tmp_path, server):
    _, told = run_with_report(tmp_path, **GEMINI)
    assert "files/batch-000000000000000000000000000000000000 could not be deleted at gemini" in told.text
    assert "it drops them by itself within 48 hours" in told.text


def test_thoughts_are_counted_and_kept_apart_from_the_answer(tmp_path, server):
    parts = [{"text": "hm", "thought": True}, {"text": "bil"}, {"text": "ling"}]
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}
    usage = {
        **{"promptTokenCount": 11, "cachedContentTokenCount": 8, "candidatesTokenCount": 2, "thoughtsTokenCount": 5},
        "totalTokenCount": 18,
    }
    server.answer = lambda line: {
        "key": line["custom_id"],
        "response": response("", candidates=[candidate], usageMetadata=usage),
    }
    summary = run(tmp_path, 2, **GEMINI)
    assert texts_of(tmp_path) == ["billing"] * 2
    assert (summary["prompt_tokens"], summary["completion_tokens"], summary["cached_tokens"]) == (22, 14, 16)


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 11}}
FILTERED = {"candidates": [{"finishReason": "SAFETY", "index": 0}], "usageMetadata": {"promptTokenCount": 11}}
CUT = response("bil", "MAX_TOKENS")


@pytest.mark.parametrize(
    ("given", "kept"),
    [(BLOCKED, "error:content_filter"), (FILTERED, "error:content_filter"), (CUT, "length")],
    ids=["blocked", "filtered", "cut"],
)
def test_end_of_a_response_is_read(tmp_path, server, given, kept):
    server.answer = lambda line: {"key": line["custom_id"], "response": given}
    run(tmp_path, 1, **GEMINI)
    assert [line["finish_reason"] for line in stored(tmp_path)] == [kept]
