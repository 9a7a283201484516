"""What is paid for is kept: answers that the endpoint gave are in the store after the next run, each asked for once."""

from pathlib import Path

import pytest

from stillhouse.artifacts.store import StoreConfig
from stillhouse.completions.journal import Part
from stillhouse.completions.store import CompletionStore
from stillhouse.errors import StoreError
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Act, Received, Serve, answer

ROWS = 40


def run(folder: Path) -> RecordingReporter:
    told = RecordingReporter()
    asked = spec(folder, teacher(endpoint={"concurrency": 4, "segment_seconds": 0.05}), ROWS)
    store = StoreConfig(url=str(folder / "store"), cache_dir=folder / "cache")
    generate(asked.model_copy(update={"store": store}), told, connect_over(Path("socket")))
    return told


def slow_answer(received: Received) -> Act:
    act = answer('{"answer":"billing"}')
    act.delay_s = 0.03 * (1 + received.number % 3)
    return act


@pytest.mark.parametrize("segments_before", [0, 2])
def test_store_that_goes_away_loses_no_answer(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, segments_before: int
):
    server, append, calls = serve(slow_answer), CompletionStore.append, []

    def away(self: CompletionStore, *parts: object) -> str:
        calls.append(parts)
        if len(calls) > segments_before:
            raise StoreError("the store is away")
        return append(self, *parts)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(CompletionStore, "append", away)
        with pytest.raises(StoreError, match="away"):
            run(tmp_path)
        answered = len(server.requests)
        assert 0 < answered < ROWS
        assert len(stored(tmp_path)) < answered
        with pytest.raises(StoreError, match="away"):  # it is still away, and nothing more is bought
            run(tmp_path)
        assert len(server.requests) == answered
    told = run(tmp_path)
    assert "answers that an earlier run could not store" in told.text
    assert sorted(request.prompt for request in server.requests) == sorted(f"message {n}" for n in range(ROWS))
    assert len(stored(tmp_path)) == ROWS
    assert list((tmp_path / "cache").rglob("*.jsonl")) == []


def test_store_that_held_the_answers_when_the_process_ended_gets_none_twice(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    serve(slow_answer)
    with monkeypatch.context() as patch:
        patch.setattr(Part, "forget", lambda self: None)  # ended just after the store had them
        run(tmp_path)
    assert list((tmp_path / "cache").rglob("*.jsonl"))
    run(tmp_path)
    assert len(stored(tmp_path)) == ROWS
    assert list((tmp_path / "cache").rglob("*.jsonl")) == []
