"""The budget of a teacher over an API, by the endpoint's own log."""

import json
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.price import ResolvedPrice
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import KEY, RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Act, FaultyServer, Received, answer, serving

ROWS = 60
CONCURRENCY = 8
MOST = 40  # completion tokens
TARIFF = ResolvedPrice(input_usd_per_mtok=10.0, output_usd_per_mtok=100.0)


def usage_of(received: Received) -> tuple[int, int]:
    """What the server charges for: a prompt by its bytes, an answer by its message, up to all it may have."""
    prompt = len(json.dumps(received.body["messages"])) // 4
    return prompt, 1 + zlib.crc32(received.prompt.encode()) % MOST


def counted(received: Received) -> Act:
    prompt, completion = usage_of(received)
    body = json.loads(answer("billing").body)
    body["usage"] = {"prompt_tokens": prompt, "completion_tokens": completion}
    return Act(body=json.dumps(body).encode(), delay_s=0.01)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    with serving(counted, Path("socket")) as running:
        yield running


def ask(folder: Path, rows: int = ROWS, **budget: float) -> dict[str, Any]:
    asked = teacher(
        output={"kind": "free"}, sampling={"max_tokens": MOST}, endpoint={"concurrency": CONCURRENCY, "serves": "test"}
    )
    scope = BudgetScope(budget=Budget.model_validate(budget), price=TARIFF)
    return generate(spec(folder, asked, rows, budget=scope), RecordingReporter(), connect_over(Path("socket")))


def charged(server: FaultyServer) -> tuple[int, float]:
    """Tokens and dollars of everything the server was sent."""
    usages = [usage_of(request) for request in server.requests]
    tokens = sum(prompt + completion for prompt, completion in usages)
    return tokens, sum(prompt * 10e-6 + completion * 100e-6 for prompt, completion in usages)


def test_budget_of_tokens_is_used_and_not_exceeded_and_all_that_came_is_stored(tmp_path, server):
    with pytest.raises(BudgetSpent, match=r"budget\.tokens"):
        ask(tmp_path, tokens=2500)
    tokens, _ = charged(server)
    # stops within one request's length of the limit, though it was asked eight at a time
    longest = max(usage_of(request)[0] for request in server.requests) + MOST
    assert 2500 - 2 * longest < tokens <= 2500
    assert server.most_at_once > 1
    assert 0 < len(server.requests) < ROWS
    assert len(stored(tmp_path)) == len(server.requests)


def test_budget_of_dollars_is_used_and_not_exceeded(tmp_path, server):
    with pytest.raises(BudgetSpent, match=r"of \$0\.08 \(budget\.usd\)"):
        ask(tmp_path, usd=0.08)
    _, usd = charged(server)
    assert 0.08 * 0.9 < usd <= 0.08
    assert len(stored(tmp_path)) == len(server.requests)


def test_budget_raised_sends_only_missing_requests(tmp_path, server):
    with pytest.raises(BudgetSpent):
        ask(tmp_path, tokens=1200)
    first = len(server.requests)
    with pytest.raises(BudgetSpent):
        ask(tmp_path, tokens=2000)
    assert 1200 < charged(server)[0] <= 2000
    assert first < len(server.requests) < ROWS
    summary = ask(tmp_path, tokens=10**6)
    assert max(Counter(request.prompt for request in server.requests).values()) == 1
    assert len(server.requests) == ROWS
    tokens, _ = charged(server)
    assert summary["bought"]["prompt_tokens"] + summary["bought"]["completion_tokens"] == tokens
    assert summary["generated"] < ROWS


def test_budget_spent_by_earlier_runs_sends_nothing_and_a_full_store_is_no_error(tmp_path, server):
    ask(tmp_path)
    tokens, _ = charged(server)
    assert ask(tmp_path, tokens=tokens // 2)["from_store"] == ROWS
    with pytest.raises(BudgetSpent, match=f"{ROWS} of {ROWS + 5} requests have a stored completion; 5 are open"):
        ask(tmp_path, ROWS + 5, tokens=tokens)
    assert len(server.requests) == ROWS


def test_budget_of_hours_ends_the_generation(tmp_path, server):
    plan = server.plan
    server.plan = lambda received: replace(plan(received), delay_s=0.2)
    started = time.monotonic()
    # 6 seconds of answers, eight at a time
    with pytest.raises(BudgetSpent, match=r"budget\.hours"):
        ask(tmp_path, 250, hours=1 / 3600)
    assert time.monotonic() - started < 4
    assert 0 < len(server.requests) < 250
    assert len(stored(tmp_path)) == len(server.requests)


def test_budget_holds_though_the_endpoint_counts_no_tokens(tmp_path, server):
    server.plan = lambda _: Act(body=answer("billing").body.replace(b'"usage"', b'"unused"'), delay_s=0.01)
    with pytest.raises(BudgetSpent):
        ask(tmp_path, tokens=2500)
    most_by_bytes = sum(len(json.dumps(body["messages"])) / 4 + MOST for body in server.bodies())
    assert most_by_bytes <= 2500
