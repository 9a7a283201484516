"""A prompt that the endpoint refuses, or answers with an error: what it means for it, and for the others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.errors import BudgetSpent, ServiceError, can_pass
from stillhouse.recipe.costs import Budget
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import KEY, RecordingReporter, answers, connect_over, spec, stored, teacher
from tests.support.api.server import Act, FaultyServer, Plan, Received, answer, failure

TOO_LONG = failure(
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
    type="invalid_request_error",
    code="context_length_exceeded",
)
# as vLLM says it, without a code
TOO_LONG_FOR_VLLM = failure(400, "This model's maximum context length is 512 tokens", type="BadRequestError", code=400)
RISK = failure(400, "Content Exists Risk", type="invalid_request_error", code="invalid_request_error")
GATEWAY = failure(400, "filtered", code="400", innererror={"code": "ResponsibleAIPolicyViolation"})
FLAGGED = failure(403, "flagged", code=403, metadata={"reasons": ["violence"], "flagged_input": "message"})
# xAI's; the same status and code say that a key may not use a model
VIOLATION = Act(403, b'{"code": "permission-denied", "error": "Content violates usage guidelines. Model: grok"}')


def run(folder: Path, num_rows: int = 6, **fields: Any) -> tuple[dict[str, Any], RecordingReporter]:
    told = RecordingReporter()
    asked = spec(folder, teacher(output={"kind": "free"}, **fields), num_rows)
    return generate(asked, told, connect_over(Path("socket"))), told


def billing(_: Received) -> Act:
    return answer("billing")


def refusing(act: Act, *numbers: int, others: Callable[[Received], Act] = billing) -> Plan:
    """Do `act` to these messages whenever they are sent."""
    prompts = {f"message {number}" for number in numbers}
    return lambda received: act if received.prompt in prompts else others(received)


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (TOO_LONG, "too_long"),
        (TOO_LONG_FOR_VLLM, "too_long"),
        (VIOLATION, "content_filter"),
        (failure(400, "messages.0: not so"), "request"),
        (failure(422, "messages: too many"), "request"),
        (failure(413, "Request Entity Too Large"), "request"),
        (RISK, "content_filter"),
        (GATEWAY, "content_filter"),
        (FLAGGED, "content_filter"),
        (failure(400, "Invalid prompt: flagged", code="invalid_prompt"), "content_filter"),
        (Act(body=b'{"error": {"message": "too long", "code": 400}}'), "request"),
        (answer(None, "SAFETY"), "content_filter"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.body[:50].decode(),
)
@pytest.mark.parametrize("number", [0, 30], ids=["first", "later"])
def test_one_refused_prompt_fails_alone_and_is_sent_once(tmp_path, serve, act, kind, number):
    server = serve(refusing(act, number))
    summary, _ = run(tmp_path, 40)
    table = answers(tmp_path)
    assert table.pop(f"r{number}")["finish_reason"] == f"error:{kind}"
    assert {line["text"] for line in table.values()} == {"billing"}
    assert (summary["failed"], len(server.requests)) == ({kind: 1}, 40)


def test_refused_prompt_is_named_with_the_servers_words_and_the_setting(tmp_path, serve):
    serve(refusing(TOO_LONG, 3))
    _, told = run(tmp_path)
    assert "row r3 is refused and counts as failed" in told.text
    assert "resulted in 9001 tokens" in told.text
    assert "lower data.max_prompt_chars" in told.text


def test_refused_prompt_does_not_end_the_next_run_which_has_no_other(tmp_path, serve):
    server = serve(refusing(TOO_LONG_FOR_VLLM, 2, 3))
    run(tmp_path)
    summary, _ = run(tmp_path)
    assert (summary["failed"], summary["from_store"]) == ({"too_long": 2}, 4)
    assert len(server.requests) == 6 + 2


@pytest.mark.parametrize("num_rows", [1, 3, 200])
@pytest.mark.parametrize("status", [400, 422])
def test_prompts_that_are_all_refused_end_the_run_with_the_servers_words(tmp_path, serve, status, num_rows):
    server = serve(lambda _: failure(status, f"Unsupported parameter: 'seed' ({KEY})"))
    with pytest.raises(ServiceError, match="Unsupported parameter: 'seed'") as caught:
        run(tmp_path, num_rows)
    assert "mend what it names in the recipe" in str(caught.value)
    assert KEY not in str(caught.value)
    assert not can_pass(caught.value)
    assert len(server.requests) <= 10 + 4


def test_prompts_that_are_all_too_long_name_the_settings(tmp_path, serve):
    serve(lambda _: TOO_LONG)
    with pytest.raises(ServiceError, match=r"lower data\.max_prompt_chars, .* or lower sampling\.max_tokens"):
        run(tmp_path, 3)


def test_prompts_that_a_filter_refuses_without_exception_end_the_run(tmp_path, serve):
    server = serve(lambda _: RISK)
    with pytest.raises(ServiceError, match=r"Content Exists Risk.*what all prompts share, as the instruction"):
        run(tmp_path, 200)
    assert len(server.requests) <= 10 + 4


def test_requests_under_way_when_the_run_ends_are_finished_and_stored(tmp_path, serve):
    def plan(received: Received) -> Act:
        late = Act(body=answer("late").body, delay_s=0.5)
        return failure(401, "expired") if received.number == 3 else late

    server = serve(plan)
    with pytest.raises(ServiceError, match="expired"):
        run(tmp_path, 40)
    assert [line["text"] for line in stored(tmp_path)] == ["late"] * 3
    assert len(server.requests) == 4


def test_requests_that_wait_for_another_try_when_the_run_ends_are_let_go(tmp_path, serve):
    def plan(received: Received) -> Act:
        busy = failure(500, headers={"retry-after": "19"})
        return Act(401, b"{}", delay_s=0.3) if received.number == 3 else busy

    server = serve(plan)
    with pytest.raises(ServiceError, match="answered 401"):
        run(tmp_path, 40)
    assert len(server.requests) == 4
    assert not stored(tmp_path)


@pytest.mark.parametrize(
    ("error", "words", "passes"),
    [
        ({"message": "Insufficient credits. Add more", "code": 402}, "Insufficient credits. Add more", False),
        ({"message": "The model `m` does not exist", "type": "NotFoundError"}, "The model `m` does not exist", False),
        ({"message": "bad key", "code": "invalid_api_key"}, "bad key", False),
        ({"message": "Provider returned error", "code": 502}, "Provider returned error", True),
        ("no healthy upstream", "no healthy upstream", True),
    ],
    ids=str,
)
def test_error_in_a_200_ends_the_run_with_the_servers_words(tmp_path, serve, error, words, passes):
    serve(lambda _: Act(body=json_of({"id": None, "choices": None, "error": error})))
    with pytest.raises(ServiceError) as caught:
        run(tmp_path, 40, endpoint={"patience_s": 0.3})
    assert words in str(caught.value)
    assert can_pass(caught.value) is passes


@pytest.mark.parametrize(
    "error",
    [{"message": "slow down", "code": 429}, {"message": "Overloaded", "type": "overloaded_error"}, "overloaded"],
    ids=str,
)
def test_overload_in_a_200_is_waited_for(tmp_path, serve, error):
    busy = Act(body=json_of({"error": error}))
    server = serve(lambda received: busy if received.number < 2 else billing(received))
    summary, _ = run(tmp_path, 3, endpoint={"concurrency": 1})
    assert (summary["failed"], summary["generated"], len(server.requests)) == ({}, 3, 5)


def test_rate_limit_in_a_200_uses_up_no_tries(tmp_path, serve):
    busy = Act(body=json_of({"error": {"message": "slow down", "code": 429}}))
    serve(lambda received: busy if received.number < 9 else billing(received))
    summary, _ = run(tmp_path, 1, endpoint={"max_attempts": 2})
    assert summary["generated"] == 1


def test_rate_limit_in_a_200_is_waited_for_as_its_header_says(tmp_path, serve):
    busy = Act(body=json_of({"error": {"message": "slow down", "code": 429}}), headers={"retry-after-ms": "400"})
    server = serve(lambda received: busy if received.number == 0 else billing(received))
    run(tmp_path, 2, endpoint={"concurrency": 1})
    assert server.requests[1].at - server.requests[0].at >= 0.4


def test_answer_that_the_server_broke_off_is_charged_though_it_names_an_error(tmp_path, serve):
    body = json.loads(answer("half", "error").body) | {"error": {"message": "upstream", "code": 502}}
    serve(lambda received: Act(body=json_of(body)) if received.number < 2 else billing(received))
    budget = BudgetScope(budget=Budget(tokens=1000))
    asked = spec(tmp_path, teacher(sampling={"max_tokens": 980}, output={"kind": "free"}), 1, budget=budget)
    with pytest.raises(BudgetSpent):
        generate(asked, RecordingReporter(), connect_over(Path("socket")))


def test_empty_answer_of_a_greedy_teacher_is_paid_for_twice_at_most(tmp_path, serve):
    server = serve(refusing(answer(""), 3))
    run(tmp_path, endpoint={"max_attempts": 8})
    assert len(server.requests) == 5 + 2
    server.requests.clear()
    run(tmp_path, endpoint={"max_attempts": 8}, sampling={"temperature": 0.7})
    assert len(server.requests) == 5 + 8


def billed(server: FaultyServer) -> int:
    """Tokens by the endpoint's own books: 13 an answer."""
    return 13 * len(server.requests)


def test_answers_that_cannot_be_used_are_taken_off_the_budget(tmp_path, serve):
    bad = answer("half", "insufficient_system_resource")
    server = serve(refusing(bad, *range(0, 300, 3)))
    budget = BudgetScope(budget=Budget(tokens=1500))
    asked = spec(tmp_path, teacher(sampling={"max_tokens": 20}, output={"kind": "free"}), 300, budget=budget)
    with pytest.raises(BudgetSpent, match=r"budget\.tokens"):
        generate(asked, RecordingReporter(), connect_over(Path("socket")))
    assert 1500 * 0.8 < billed(server) <= 1500


def json_of(body: Any) -> bytes:
    return json.dumps(body).encode()
