"""Which row an answer is of: each gets the one to its own prompt, whatever is alike, late or edited."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import KEY, RecordingReporter, connect_over, spec, teacher
from tests.support.api.server import Act, FaultyServer, Received, answer, serving

Turns = list[tuple[str, str]]
FREE = {"output": {"kind": "free"}}


@pytest.fixture(autouse=True)
def _reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)  # a Unix socket's path must be short


def digest(messages: Any) -> str:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def echo(received: Received) -> Act:
    """Say what was asked, so that each answer shows whose it is."""
    return answer(digest(received.body["messages"]))


def ask(rows: dict[str, Turns], **fields: Any) -> dict[str, list[str]]:
    """Have the rows answered; return the answers' texts by row id, in the order of the samples."""
    lines = [
        {
            "id": name,
            "content_sha256": f"{number:064}",
            "messages": [{"role": role, "content": content} for role, content in turns],
            "references": [],
        }
        for number, (name, turns) in enumerate(rows.items())
    ]
    asked = spec(Path(), teacher(**FREE | fields), 1)
    types = pq.read_schema("rows.parquet")
    pq.write_table(pa.Table.from_pylist(lines, schema=types), "rows.parquet")
    generate(asked, RecordingReporter(), connect_over(Path("socket")))
    found: dict[str, list[str]] = {}
    for line in pq.read_table("out/completions.parquet").to_pylist():
        found.setdefault(line["row_id"], []).append(line["text"])
    return found


def own(turns: Turns) -> str:
    """The answer that `echo` gives to a row: its turns after the skill's instruction, its own system turn joined."""
    system = "Classify the message. Answer with exactly one of these labels: billing, delivery."
    rest = turns
    if turns[0][0] == "system":
        system, rest = f"{system}\n\n{turns[0][1]}", turns[1:]
    return digest([{"role": role, "content": content} for role, content in [("system", system), *rest]])


def served(plan: Callable[[Received], Act]) -> Any:
    return serving(plan, Path("socket"))


DIALOGUES: dict[str, Turns] = {
    "whole": [("user", "a parcel"), ("assistant", "Which?"), ("user", "the blue one")],
    "same last": [("user", "an invoice"), ("assistant", "Which?"), ("user", "the blue one")],
    "same first": [("user", "a parcel"), ("assistant", "Which?"), ("user", "the red one")],
    "same words of the user": [("user", "a parcel"), ("assistant", "Late?"), ("user", "the blue one")],
    "one turn": [("user", "the blue one")],
}
SYSTEMS: dict[str, Turns] = {
    "bank": [("system", "You serve a bank."), ("user", "where is my card")],
    "shop": [("system", "You serve a shop."), ("user", "where is my card")],
    "none": [("user", "where is my card")],
}


@pytest.mark.pitfall("turns")
def test_dialogues_that_begin_or_end_alike_get_their_own_completions():
    with served(echo) as server:
        found = ask(DIALOGUES)
        assert len(server.requests) == len(DIALOGUES)
    assert found == {name: [own(turns)] for name, turns in DIALOGUES.items()}


@pytest.mark.pitfall("system")
def test_prompt_under_two_system_prompts_has_two_completions():
    with served(echo) as server:
        found = ask(SYSTEMS)
        assert len(server.requests) == len(SYSTEMS)
    assert found == {name: [own(turns)] for name, turns in SYSTEMS.items()}


@pytest.mark.pitfall("join")
def test_completions_in_any_order_are_joined_to_their_own_rows():
    rows: dict[str, Turns] = {f"r{n}": [("user", f"message {n}")] for n in range(12)}

    def late_first(received: Received) -> Act:
        return Act(body=echo(received).body, delay_s=0.02 * (4 - received.number % 4))

    with served(late_first):
        found = ask(rows)
    assert found == {name: [own(turns)] for name, turns in rows.items()}
    with served(echo) as server:  # and from the store, in another order
        shuffled = dict(reversed(rows.items()))
        assert ask(shuffled) == {name: [own(turns)] for name, turns in shuffled.items()}
        assert not server.requests


@pytest.mark.pitfall("edited prompt")
def test_edited_prompt_is_requested_again_though_its_row_keeps_its_id():
    rows: dict[str, Turns] = {f"r{n}": [("user", f"message {n}")] for n in range(4)}
    with served(echo) as server:
        ask(rows)
        rows["r1"] = [("user", "message 1, edited")]
        found = ask(rows)
        assert [request.prompt for request in server.requests[4:]] == ["message 1, edited"]
    assert found == {name: [own(turns)] for name, turns in rows.items()}


@pytest.mark.pitfall("sample")
def test_rollouts_of_a_prompt_are_stored_apart():
    def drawn(received: Received) -> Act:
        return answer(f"seed {received.body['seed']}")

    sampled = {"sampling": {"n": 3, "temperature": 0.7}}
    rows: dict[str, Turns] = {"r0": [("user", "message")]}
    with served(drawn) as server:
        assert ask(rows, **sampled) == {"r0": ["seed 0", "seed 1", "seed 2"]}
        assert ask(rows, **sampled) == {"r0": ["seed 0", "seed 1", "seed 2"]}
        more = {"sampling": {"n": 4, "temperature": 0.7}}
        assert ask(rows, **more) == {"r0": ["seed 0", "seed 1", "seed 2", "seed 3"]}
        assert len(server.requests) == 4


def test_server_of_these_tests_distinguishes_its_requests():
    assert isinstance(FaultyServer(echo).requests, list)
    every = [own(turns) for turns in [*DIALOGUES.values(), *SYSTEMS.values()]]
    assert len(set(every)) == len(every)
