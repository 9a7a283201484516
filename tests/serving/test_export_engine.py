"""An export behind its socket: what the server asks, and what the engine's process answers."""

import asyncio
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.testclient import TestClient

from stillhouse.errors import DataError, ModelError
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.errors import ApiError
from stillhouse.serving.export_engine import ExportEngine
from stillhouse.serving.export_worker import make_app
from stillhouse.serving.record import ServingRecord
from stillhouse.skills.qa import Qa
from tests.support.served import record

MESSAGES = [{"role": "user", "content": "Where is my parcel?"}]
WRITES = record(kind="causal_lm", skill=Qa(kind="qa"), labels=(), max_tokens=24)


class Said(NamedTuple):
    """As stillhouse/exports/answerer.py gives it."""

    answer: str | None
    text: str
    logprob: float | None
    label_logprobs: list[float] | None
    prompt_tokens: int | None
    completion_tokens: int


class FakeExport:
    """A loaded export."""

    def __init__(self, said: Said | Exception) -> None:
        self.said = said
        self.asked: list[Any] = []

    def answer(self, messages: Any) -> Any:
        self.asked.append(messages)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def close(self) -> None:
        pass


class InProcess:
    """The engine's process, without one."""

    is_running = True

    def __init__(self, export: FakeExport) -> None:
        transport = httpx.ASGITransport(make_app(export, "key"))
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://engine", headers={"Authorization": "Bearer key"}
        )


def ask(said: Said | Exception, told: ServingRecord, **wanted: Any) -> tuple[EngineAnswer, FakeExport]:
    export = FakeExport(said)
    engine = ExportEngine(InProcess(export), told, "llama.cpp")  # type: ignore[arg-type]
    return asyncio.run(engine.answer(MESSAGES, Wanted(**wanted))), export


def test_label_of_an_export_comes_with_the_log_probabilities_of_all():
    said = Said("delivery", "delivery", -0.1, [-3.0, -0.1, -4.0], 12, 1)
    found, export = ask(said, record(), temperature=0.5)
    assert found == EngineAnswer("delivery", -0.1, [-3.0, -0.1, -4.0], 12, 1, False)
    assert export.asked == [MESSAGES]


def test_encoder_that_counts_no_tokens_has_none():
    found, _ = ask(Said("delivery", "delivery", -0.1, [-3.0, -0.1, -4.0], None, 0), record())
    assert found.prompt_tokens == 0


def test_free_answer_with_all_its_tokens_is_cut():
    found, _ = ask(Said("a b", "a b", None, None, 12, 24), WRITES)
    assert found.is_cut


@pytest.mark.parametrize("wanted", [{"temperature": 0.5}, {"max_tokens": 5}, {"stop": ("x",)}, {"seed": 1}])
def test_wish_that_an_export_would_not_follow_is_refused(wanted):
    with pytest.raises(ApiError) as refused:
        ask(Said("a", "a", None, None, 12, 1), WRITES, **wanted)
    assert (refused.value.status, refused.value.code) == (400, "unsupported_parameter")


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataError("300 tokens, it reads 200"), "context_length_exceeded"), (ModelError("two systems"), "wrong_roles")],
)
def test_prompt_that_an_export_cannot_take_is_the_requests_mistake(error, code):
    with pytest.raises(ApiError) as refused:
        ask(error, record())
    assert (refused.value.status, refused.value.code, refused.value.message) == (400, code, str(error))


def test_process_of_an_export_asks_for_the_key_of_its_server():
    client = TestClient(make_app(FakeExport(Said("a", "a", None, None, 1, 1)), "key"))
    assert client.post("/answer", json={"messages": MESSAGES}).status_code == 401
    assert client.get("/health").status_code == 200
