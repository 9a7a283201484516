"""Many long prompts take no memory while they wait."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.teachers.api_requests import ChatRequests
from tests.support.api.requests import spec, teacher

CHARS, ROWS = 100_000, 300


def rows() -> Iterator[dict[str, Any]]:
    for n in range(ROWS):
        messages = [{"role": "user", "content": f"{n} " + "x" * CHARS}]
        yield {"id": f"r{n}", "content_sha256": f"{n:064}", "messages": messages, "references": [], "label": None}


def test_chat_requests_hold_neither_rows_nor_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillhouse.teachers.prompting.BATCH_ROWS", 10)
    asked = spec(tmp_path, teacher(output={"kind": "free"}, endpoint={"personal_data": "allow"}), 1)
    ChatRequests(asked, list(rows())[:3])  # what is loaded once
    tracemalloc.start()
    requests = ChatRequests(asked, rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < ROWS * CHARS / 4
    assert [len(request.messages[-1]["content"]) for request in requests.all[:2]] == [CHARS + 2, CHARS + 2]
    assert requests.all[-1].messages[-1]["content"].startswith(f"{ROWS - 1} x")


def test_chat_requests_of_all_rollouts_share_one_prompt(tmp_path: Path) -> None:
    asked = spec(tmp_path, teacher(output={"kind": "free"}, sampling={"n": 8, "temperature": 1.0}), 1)
    requests = ChatRequests(asked, list(rows())[:2]).all
    assert len(requests) == 16
    assert len({request.key for request in requests}) == 16
    assert len({request.place.start for request in requests}) == 2
