"""Streamed answers: put together as they would be in one piece, and as long as something comes of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ServiceError
from stillhouse.inference.api.request import ResponseForm
from stillhouse.inference.api.response import read_reply
from stillhouse.inference.api.stream import StreamedCompletion
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import KEY, RecordingReporter, answers, connect_over, spec, stored, teacher
from tests.support.api.server import Act, Serve, answer, failure, serving_on_demand

USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving_on_demand(tmp_path, monkeypatch) as start:
        yield start


def event(**choice: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}], "usage": None}


def text(*pieces: str, name: str = "content") -> list[dict[str, Any]]:
    return [event(delta={name: piece}, finish_reason=None) for piece in pieces]


END = [event(delta={}, finish_reason="stop"), {"choices": [], "usage": USAGE}]


def lines(*events: Any) -> list[str]:
    return [*(f"data: {json.dumps(one)}" for one in events), "data: [DONE]"]


def streamed(*events: Any, **act: Any) -> Act:
    body = "".join(f"{line}\n\n" for line in lines(*events)).encode()
    return Act(body=body, headers={"content-type": "text/event-stream"}, **act)


def reply_of(*events: Any) -> Any:
    stream = StreamedCompletion()
    for line in lines(*events):
        assert stream.add(line)
    return read_reply(stream.content(), ResponseForm())


def run(folder: Path, num_rows: int = 2, **endpoint: Any) -> dict[str, Any]:
    asked = teacher(output={"kind": "free"}, endpoint={"stream": True, **endpoint})
    return generate(spec(folder, asked, num_rows), RecordingReporter(), connect_over(Path("socket")))


def test_stream_is_read_as_the_answer_in_one_piece():
    first = event(delta={"role": "assistant", "content": ""})
    found = reply_of(first, *text("because ", "so", name="reasoning_content"), *text("bil", "ling"), *END)
    assert (found.text, found.reasoning, found.finish_reason) == ("billing", "because so", "stop")
    assert (found.prompt_tokens, found.completion_tokens) == (11, 2)


def test_stream_log_probabilities_are_those_of_all_its_events():
    tokens = [{"token": piece, "logprob": -0.25, "top_logprobs": []} for piece in ("bil", "ling")]
    events = [event(delta={"content": one["token"]}, logprobs={"content": [one]}) for one in tokens]
    assert reply_of(*events, *END).cumulative_logprob == -0.5


def test_stream_tool_call_in_pieces_is_one_call():
    first = {"index": 0, "id": "c", "function": {"name": "find", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"q":', ' "x"}')]
    calls = [event(delta={"tool_calls": [call]}) for call in (first, *rest)]
    found = reply_of(*calls, event(delta={}, finish_reason="tool_calls"))
    assert "find" in found.text
    assert '"x"' in found.text


@pytest.mark.parametrize("line", ["", ": OPENROUTER PROCESSING", "event: ping", "data:", "id: 7"])
def test_stream_lines_without_data_are_no_sign_of_an_answer(line):
    assert not StreamedCompletion().add(line)


def test_answer_that_takes_longer_than_the_timeout_comes_whole(tmp_path, serve):
    pieces = [f"word{number} " for number in range(12)]
    server = serve(lambda _: streamed(*text(*pieces), *END, event_s=0.1))
    started = time.monotonic()
    summary = run(tmp_path, timeout_s=0.6)
    assert time.monotonic() - started > 1.2
    assert answers(tmp_path)["r0"]["text"] == "".join(pieces)
    assert (summary["sent"], summary["prompt_tokens"], len(server.requests)) == (2, 22, 2)
    assert server.bodies()[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "broken",
    [
        streamed(*text("bil")),
        streamed(*text("bil"), {"error": {"message": "upstream", "code": 502}}),
        Act(body=b"data: {nonsense\n\n"),
        streamed(*text("bil"), *END, cut=20),
        streamed(*text(*"billing billing"), *END, event_s=0.1, drip_s=0.0, delay_s=2.0),
        failure(503),
    ],
    ids=["no-end", "error", "no-json", "cut", "silent", "503"],
)
def test_stream_that_is_broken_off_is_asked_again_and_never_stored(tmp_path, serve, broken):
    good = streamed(*text("bil", "ling"), *END)
    server = serve(lambda received: broken if received.number < 2 else good)
    assert run(tmp_path, timeout_s=0.8)["failed"] == {}
    assert [line["text"] for line in stored(tmp_path)] == ["billing"] * 2
    assert len(server.requests) == 4


def test_server_that_answers_in_one_piece_all_the_same_is_read(tmp_path, serve):
    serve(lambda _: answer("billing"))
    run(tmp_path)
    assert answers(tmp_path)["r1"]["text"] == "billing"


def test_signs_of_life_without_an_answer_end_at_the_timeout(tmp_path, serve):
    alive = Act(body=b": still here\n\n" * 100, headers={"content-type": "text/event-stream"}, event_s=0.05)
    serve(lambda _: alive)
    started = time.monotonic()
    with pytest.raises(ServiceError):
        run(tmp_path, timeout_s=0.3, max_attempts=1, patience_s=0.5)
    assert time.monotonic() - started < 4.0
