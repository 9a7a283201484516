"""Requests through the whole application, without a network."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from stillhouse.serving.answers import Answerer
from stillhouse.serving.app import Service, make_app
from stillhouse.serving.encoder_engine import EncoderEngine
from stillhouse.serving.entrance import Entrance, State
from stillhouse.serving.metrics import Metrics
from stillhouse.serving.request_log import LogSettings, RequestLog
from stillhouse.skills.qa import Qa
from tests.support.served import LABELS, record, spec, write_student

KEY = {"Authorization": "Bearer secret"}
CHAT = {"model": "tickets", "messages": [{"role": "user", "content": "refund"}]}


class Served:
    """A server without a port."""

    def __init__(self, folder, **changes: Any) -> None:
        self.state = State()
        told = spec(write_student(folder / "student"), **changes)
        self.metrics = Metrics(told.name, told.version, "onnxruntime", LABELS)
        self.logs = folder / "logs"
        engine = EncoderEngine(folder / "student", told.record, threads=1)
        answerer = Answerer(engine, told.record)
        log = RequestLog(LogSettings(folder=str(self.logs)))
        app = make_app(Service(told, answerer, self.metrics, self.state, log))
        entrance = Entrance(app, self.state, self.metrics, key="secret", most_waiting=told.most_waiting)
        self.client = TestClient(entrance, raise_server_exceptions=False)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers=KEY | {"Content-Type": "application/json"} | headers)

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for file in sorted(self.logs.iterdir()) for line in file.read_text().splitlines()]


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def test_predict_gives_label_certainty_and_version(served):
    found = served.post("/predict", {"text": "parcel"}).json()
    assert found.pop("id").startswith("pred-")
    assert found.pop("confidence") == pytest.approx(0.69144, abs=1e-5)
    assert found == {"label": "delivery", "handed_back": False, "model": "tickets", "version": "3"}


@pytest.mark.parametrize("name", ["tickets", "tickets@champion", "tickets/3"])
def test_chat_completion_has_openais_form_under_every_name_of_the_model(served, name):
    found = served.post("/v1/chat/completions", CHAT | {"model": name}).json()
    assert found["object"] == "chat.completion"
    assert found["model"] == name
    assert found["choices"][0]["message"] == {"role": "assistant", "content": "returns"}
    assert found["choices"][0]["finish_reason"] == "stop"
    assert found["stillhouse"] == {"answer": "returns", "confidence": pytest.approx(0.50648, abs=1e-5),
                                   "handed_back": False}  # fmt: skip


def test_stream_ends_with_its_usage_and_done(served):
    asked = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    response = served.post("/v1/chat/completions", asked)
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, last = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    chunks = [json.loads(event) for event in events]
    assert last == "[DONE]"
    assert "".join(choice["delta"].get("content", "") for one in chunks for choice in one["choices"]) == "returns"
    assert chunks[-1]["usage"]["total_tokens"] == 0
    assert {one["object"] for one in chunks} == {"chat.completion.chunk"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code", "says"),
    [
        ("/predict", {"text": "parcel"}, {"Authorization": ""}, 401, "invalid_api_key", "Authorization: Bearer KEY"),
        ("/predict", {"text": "parcel"}, {"Authorization": "Bearer secre"}, 401, "invalid_api_key", "wrong one"),
        ("/predict", {"text": "parcel"}, {"Content-Type": "text/plain"}, 415, "unsupported_media_type", "text/plain"),
        ("/predict", b'{"text": "parcel"', {}, 400, "invalid_json", "no JSON"),
        ("/predict", b"\xff", {}, 400, "invalid_json", "no JSON"),
        ("/predict", ["parcel"], {}, 400, "invalid_value", "body"),
        ("/predict", {}, {}, 400, "missing_prompt", "text, messages"),
        ("/predict", {"text": "a", "messages": CHAT["messages"]}, {}, 400, "missing_prompt", "one of"),
        ("/predict", {"text": "  "}, {}, 400, "empty_prompt", "blank"),
        ("/predict", {"text": 5}, {}, 400, "invalid_value", "text"),
        ("/predict", {"text": "x" * 201}, {}, 400, "context_length_exceeded", "201 characters, at most 200"),
        ("/predict", {"text": "a", "model": "other"}, {}, 404, "model_not_found", "tickets@champion"),
        ("/predict", b"[" + b" " * (4 * 2**20) + b"]", {}, 413, "body_too_large", "4 MiB"),
        ("/v1/chat/completions", CHAT | {"model": "gpt-5"}, {}, 404, "model_not_found", "gpt-5"),
        ("/v1/chat/completions", {"messages": CHAT["messages"]}, {}, 400, "invalid_value", "model"),
        ("/v1/chat/completions", CHAT | {"messages": []}, {}, 400, "bad_messages", "at least one turn"),
        ("/v1/chat/completions", CHAT | {"messages": [{"role": "boss", "content": "x"}]}, {}, 400, "unknown_role",
         "boss"),
        ("/v1/chat/completions", CHAT | {"messages": [{"role": "assistant", "content": "x"}]}, {}, 400, "wrong_roles",
         "assistant"),
        ("/v1/chat/completions", CHAT | {"tools": []}, {}, 400, "unsupported_parameter", "tools"),
        ("/v1/chat/completions", CHAT | {"n": 2}, {}, 400, "invalid_value", "n:"),
        ("/v1/chat/completions", CHAT | {"temperature": -1}, {}, 400, "invalid_value", "temperature"),
        ("/v1/completions", {}, {}, 404, "no_such_route", "/v1/completions"),
    ],
)  # fmt: skip
def test_wrong_request_is_refused_in_openais_form_with_what_to_do(served, path, body, headers, status, code, says):
    response = served.post(path, body, **headers)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert says in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    # nothing of it was answered
    assert served.rows() == []


def test_image_is_refused_by_name(served):
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    asked = CHAT | {"messages": [{"role": "user", "content": picture}]}
    response = served.post("/v1/chat/completions", asked)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "not_text")


def test_stopping_server_refuses_new_requests_and_says_it_is_not_ready(served):
    served.state.is_stopping = True
    response = served.post("/predict", {"text": "parcel"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "stopping")
    assert response.headers["retry-after"] == "1"
    assert served.client.get("/ready").status_code == 503
    # it is not dead: a supervisor that restarts it would lose the answers under way
    assert served.client.get("/health").status_code == 200


def test_server_with_too_many_requests_under_way_refuses_more(served):
    served.state.in_flight = 1024
    response = served.post("/predict", {"text": "parcel"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "overloaded")


def test_health_of_an_engine_that_ended_is_bad(served):
    served.state.is_alive = False
    assert [served.client.get(path).status_code for path in ("/health", "/ready")] == [503, 503]


def test_failure_that_nobody_foresaw_shows_no_trace(served, monkeypatch):
    def fail(*given, **named):
        raise ZeroDivisionError("in /home/somebody")

    monkeypatch.setattr(served.metrics, "count", fail)
    response = served.post("/predict", {"text": "parcel"})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "server_error")
    assert "somebody" not in response.text


def test_metrics_count_answers_refusals_and_labels(served):
    served.post("/predict", {"text": "parcel"})
    served.post("/predict", {"text": ""})
    served.client.get("/health")
    assert served.client.get("/metrics").status_code == 401
    text = served.client.get("/metrics", headers=KEY).text
    assert 'stillhouse_requests_total{route="/predict",status="200"} 1.0' in text
    assert 'stillhouse_requests_total{route="/predict",status="400"} 1.0' in text
    assert 'stillhouse_answers_total{label="delivery"} 1.0' in text
    assert 'model="tickets"' in text
    assert "/health" not in text


def test_models_lists_the_served_one_with_its_labels(served):
    (found,) = served.client.get("/v1/models", headers=KEY).json()["data"]
    assert (found["id"], found["version"], found["labels"]) == ("tickets@champion", "3", list(LABELS))
    assert served.client.get("/v1/models/tickets/3", headers=KEY).json()["id"] == "tickets/3"
    assert served.client.get("/v1/models/other", headers=KEY).status_code == 404


def test_answered_requests_are_logged_as_they_were_asked(served):
    served.post("/predict", {"text": "parcel"})
    served.post("/v1/chat/completions", CHAT | {"stream": True})
    first, second = served.rows()
    assert first["messages"] == [{"role": "user", "content": "parcel"}]
    assert (first["answer"], first["handed_back"], first["served"]) == ("delivery", False, "tickets/3")
    assert second["answer"] == "returns"


def test_model_of_free_answers_has_no_labels_to_predict(tmp_path):
    free = Served(tmp_path, record=record(skill=Qa(kind="qa")))
    response = free.post("/predict", {"text": "parcel"})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "no_labels")
