"""A worker that works is not silent: a silent one is ended."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.stream import stream
from stillhouse.runtime import worker
from stillhouse.runtime.worker import Reporter


class SlowEngine:
    """Needs four steps for an answer."""

    steps = 0

    def add_request(self, name: str, prompt: Any, params: Any) -> None:
        self.name = name

    def step(self) -> list[Any]:
        self.steps += 1
        return [SimpleNamespace(finished=True, request_id=self.name)] if self.steps == 4 else []


def test_engine_beats_with_each_step_before_the_first_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(TokensPrompt=dict))
    engine, beats = SlowEngine(), []
    requests = [Request(key="a", token_ids=(1,), rollout_index=0)]
    found = stream(
        SimpleNamespace(llm_engine=engine), requests, lambda _: None, 1, beat=lambda: beats.append(engine.steps)
    )
    assert [one.request.key for one in found] == ["a"]
    assert beats == [1, 2, 3, 4]


def test_reporter_beats_no_more_often_than_its_interval(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    pipe = io.StringIO()
    reporter = Reporter(pipe)
    for _ in range(100):
        clock[0] += 1.0
        reporter.beat()
    assert pipe.getvalue().count("still preparing") == 3
