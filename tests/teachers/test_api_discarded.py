"""Replies that are thrown away are paid for: they count in the budget and the ledger, in each later run too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.compaction import compact, teachers_of
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Act, FaultyServer, Received, answer

BILLED = 2000  # tokens a request, by the server's own books
CONCURRENCY = 8


def every_third_empty(received: Received) -> Act:
    act = answer("" if int(received.prompt.split()[-1]) % 3 == 0 else "billing")
    return Act(body=act.body.replace(b'"prompt_tokens": 11', b'"prompt_tokens": 1990').replace(b": 2,", b": 10,"))


def run(folder: Path, num_rows: int, tokens: int | None = None, **sampling: Any) -> dict[str, Any]:
    asked = teacher(
        output={"kind": "free"},
        sampling={"max_tokens": 20, **sampling},
        endpoint={"concurrency": CONCURRENCY, "max_attempts": 8},
    )
    scope = BudgetScope(budget=Budget(tokens=tokens))
    return generate(spec(folder, asked, num_rows, budget=scope), RecordingReporter(), connect_over(Path("socket")))


def billed(server: FaultyServer) -> int:
    return BILLED * len(server.requests)


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_budget_is_not_passed_though_every_third_reply_is_empty_however_often_it_runs(tmp_path, serve, temperature):
    server = serve(every_third_empty)
    for _ in range(4):
        with pytest.raises(BudgetSpent, match=r"budget\.tokens"):
            run(tmp_path, 100, tokens=40_000, temperature=temperature)
    # the first prompts are estimated before the endpoint has counted one
    assert 40_000 - 3 * BILLED < billed(server) <= 40_000 + BILLED * CONCURRENCY


def test_budget_spent_by_a_reply_that_is_thrown_away_tells_of_all_that_came_by_the_end(tmp_path, serve):
    # seven others are under way when the reply comes that spends it
    server = serve(lambda received: replace(every_third_empty(received), delay_s=0.05 + 0.05 * (received.number % 3)))
    with pytest.raises(BudgetSpent) as caught:
        run(tmp_path, 100, tokens=40_000)
    num_stored = len(stored(tmp_path))
    assert 0 < num_stored < len(server.requests)
    assert f"have used {billed(server):,} tokens of 40,000" in str(caught.value)
    assert f"{num_stored} of 100 requests have a stored completion; {100 - num_stored} are open" in str(caught.value)


def test_usage_is_what_the_server_billed_and_so_for_the_run_that_finds_it_stored(tmp_path, serve):
    server = serve(every_third_empty)
    first = run(tmp_path, 6)
    assert first["prompt_tokens"] + first["completion_tokens"] == billed(server)
    assert first["bought"]["prompt_tokens"] + first["bought"]["completion_tokens"] == billed(server)
    assert (first["generated"], first["bought"]["requests"]) == (6, 6)
    server.plan = lambda _: answer("billing")  # of 13 tokens
    paid = billed(server)
    again = run(tmp_path, 6)
    assert again["prompt_tokens"] + again["completion_tokens"] == 2 * 13
    assert again["bought"]["prompt_tokens"] + again["bought"]["completion_tokens"] == paid + 2 * 13


def test_cached_tokens_are_stored_and_counted_by_each_run_that_uses_the_answer(tmp_path, serve):
    body = answer("billing").body.replace(b'"total_tokens"', b'"prompt_tokens_details": {"cached_tokens": 8}, "total"')
    serve(lambda received: Act(body=body if received.number else body.replace(b"billing", b"")))
    first = run(tmp_path, 5)
    # five answers, and one that was thrown away
    assert (first["cached_tokens"], first["bought"]["cached_tokens"]) == (6 * 8, 6 * 8)
    again = run(tmp_path, 5)
    assert (again["cached_tokens"], again["bought"]["cached_tokens"]) == (0, 6 * 8)


def test_replies_thrown_away_are_counted_once_after_segments_were_joined(tmp_path, serve):
    server = serve(every_third_empty)
    run(tmp_path, 6)
    paid = billed(server)
    assert len(stored(tmp_path, is_discarded=True)) == 2 * 2
    store = Store(StoreConfig(url=str(tmp_path / "store")))
    run(tmp_path, 7)  # a second segment
    paid += (2 * 2 + 2) * BILLED
    compact(store, teachers_of(store)[0])
    server.plan = lambda _: answer("billing")
    bought = run(tmp_path, 7)["bought"]
    assert bought["prompt_tokens"] + bought["completion_tokens"] == paid + 3 * 13
