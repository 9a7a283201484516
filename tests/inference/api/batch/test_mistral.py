"""Mistral's batch jobs: their own calls and words, the same keys and answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from stillhouse.errors import ServiceError
from tests.support.api.batch_runs import bought_once_each, run, texts_of, ticket_files
from tests.support.api.batch_server import Batch, BatchServer, Fault, answered, refused, serving_batches
from tests.support.api.requests import KEY

MISTRAL = {"provider": "mistral", "output": {"kind": "free"}}
_WORDS = {"completed": "SUCCESS", "expired": "TIMEOUT_EXCEEDED", "in_progress": "RUNNING"}


class MistralServer(BatchServer):
    """Jobs as Mistral documents them."""

    path = "/v1/batch/jobs"

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert set(asked) == {"input_files", "endpoint", "model", "metadata"}
        assert (asked["endpoint"], asked["model"]) == ("/v1/chat/completions", "served")
        (file,) = asked["input_files"]
        lines = [json.loads(line) for line in self.files[file].splitlines()]
        assert all(set(line) == {"custom_id", "body"} and "model" not in line["body"] for line in lines)
        batch = Batch(f"job-{len(self.batches)}", file, asked["metadata"], lines, status="in_progress")
        self.batches.append(batch)
        return web.json_response(self._batch_body(batch))

    async def _list(self, request: web.Request) -> web.Response:
        start = int(request.query["page"]) * self.page_size
        page = list(reversed(self.batches))[start : start + self.page_size]
        body = {"object": "list", "data": [self._batch_body(batch) for batch in page], "total": len(self.batches)}
        return web.json_response(body)

    def _batch_body(self, batch: Batch) -> dict[str, Any]:
        return {
            "id": batch.id,
            "object": "batch",
            "input_files": [batch.input_file],
            "endpoint": "/v1/chat/completions",
            "status": _WORDS.get(batch.status, batch.status.upper()),
            "output_file": batch.output_file,
            "error_file": batch.error_file,
            "errors": batch.errors,
            "metadata": batch.metadata,
            "total_requests": len(batch.lines),
            "completed_requests": 0,
            "succeeded_requests": 0,
            "failed_requests": 0,
        }


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MistralServer]:
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    running = MistralServer()
    with serving_batches(Path("socket"), running):
        yield running


def test_job_is_bought_once_and_its_answers_are_found_by_single_requests_keys(tmp_path, server):
    summary = run(tmp_path, **MISTRAL)
    assert (summary["generated"], summary["price_factor"]) == (6, 0.5)
    assert texts_of(tmp_path) == ["billing"] * 6
    assert bought_once_each(server, 6)
    assert server.files == {}
    assert not ticket_files(tmp_path)
    # the keys are those of single requests: nothing is asked again
    assert run(tmp_path, endpoint={"execution": "realtime", "batch": {}}, **MISTRAL)["from_store"] == 6


def test_refused_line_of_a_job_is_that_prompts_failure(tmp_path, server):
    server.answer = lambda line: (
        refused(line["custom_id"], 400, "too many tokens")
        if line["body"]["messages"][-1]["content"] == "message 2"
        else answered(line["custom_id"])
    )
    assert run(tmp_path, **MISTRAL)["failed"] == {"too_long": 1}


def test_job_that_ran_out_of_time_keeps_its_answers_and_the_rest_goes_on(tmp_path, server):
    server.end_first_after("message 2")
    run(tmp_path, **MISTRAL)
    assert [len(batch.lines) for batch in server.batches] == [6, 3]
    assert texts_of(tmp_path) == ["billing"] * 6


def test_job_whose_submission_got_no_answer_is_found_on_a_later_page_and_not_made_twice(tmp_path, server):
    server.page_size = 2
    server.batches += [Batch(f"other-{n}", f"file-of-others-{n}", {}, [], status="completed") for n in range(3)]
    server.fault = lambda call, number: Fault(is_done=True) if (call, number) == ("create", 0) else None
    server.batches.reverse()
    run(tmp_path, **MISTRAL)
    assert bought_once_each(server, 6)


def test_failed_job_ends_the_run_with_mistrals_words(tmp_path, server):
    def end(batch: Batch) -> str:
        batch.errors = [{"message": "Line 3 is no JSON", "count": 1}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match="Line 3 is no JSON"):
        run(tmp_path, **MISTRAL)
