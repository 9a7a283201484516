import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tenacity import wait_random_exponential

from stillhouse.errors import ServiceError, can_pass
from stillhouse.teachers.api_worker import generate
from tests.support.api.generations import billing, first, run
from tests.support.api.requests import KEY, RecordingReporter, answers, connect_over, spec, stored, teacher
from tests.support.api.server import Act, Received, answer, failure


def test_generate_sends_each_prompt_once_and_writes_a_completion_for_each_row(tmp_path, serve):
    server = serve(billing)
    summary, told = run(tmp_path)
    assert {line["text"] for line in answers(tmp_path).values()} == {"billing"}
    assert sorted(request.prompt for request in server.requests) == [f"message {n}" for n in range(6)]
    assert (summary["requests"], summary["generated"], summary["sent"], summary["failed"]) == (6, 6, 6, {})
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (66, 12)
    assert '"done":6,"total":6' in told.text


@pytest.mark.parametrize(
    "act",
    [
        answer("billing", message={"reasoning_content": "it names a bill"}),
        answer("billing", message={"reasoning": "it names a bill"}),
        answer("<think>\nit names a bill\n</think>\n\nbilling"),
        answer("it names a bill</think>billing"),
    ],
)
def test_generate_reasoning_is_a_column_of_its_own_and_the_text_is_the_answer(tmp_path, serve, act):
    serve(lambda _: act)
    for _ in range(2):  # as it comes, and from the store
        run(tmp_path, 2, output={"kind": "free"})
        lines = answers(tmp_path).values()
        assert {(line["text"], line["reasoning"]) for line in lines} == {("billing", "it names a bill")}


def test_second_generation_sends_nothing_and_needs_neither_key_nor_server(tmp_path, serve, monkeypatch):
    server = serve(billing)
    run(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY")
    summary, _ = run(tmp_path)
    assert (summary["from_store"], summary["generated"], summary["sent"]) == (6, 0, 0)
    assert len(server.requests) == 6


def test_added_rows_cost_one_request_each(tmp_path, serve):
    server = serve(billing)
    run(tmp_path, 4)
    summary, _ = run(tmp_path, 7)
    assert summary["sent"] == 3
    assert len(server.requests) == 7


def test_execution_fields_are_no_part_of_a_key(tmp_path, serve, monkeypatch):
    monkeypatch.setenv("X_API_KEY", KEY)
    server = serve(billing)
    run(tmp_path)
    run(
        tmp_path, endpoint={"concurrency": 1, "timeout_s": 9.0, "requests_per_minute": 6000, "api_key_env": "X_API_KEY"}
    )
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "other"},
        {"revision": "later"},
        {"sampling": {"max_tokens": 9}},
        {"output": {"kind": "free"}},
        {"prompt": {"system": "Sort it."}},
        {"endpoint": {"extra_body": {"reasoning_effort": "low"}}},
        {"endpoint": {"serves": "another"}},
        {"endpoint": {"provider": "vllm"}, "chat_template_kwargs": {"enable_thinking": False}},
    ],
)
def test_fields_that_decide_a_completion_are_part_of_its_key(tmp_path, serve, fields):
    server = serve(lambda _: answer("billing"))
    run(tmp_path, 2)
    run(tmp_path, 2, **fields)
    assert len(server.requests) == 4


@pytest.mark.pitfall("sample")
def test_rollouts_of_a_prompt_have_their_own_seeds_and_keys(tmp_path, serve):
    server = serve(billing)
    run(tmp_path, 1, sampling={"n": 3, "temperature": 0.7, "seed": 5})
    assert sorted(body["seed"] for body in server.bodies()) == [5, 6, 7]
    assert len({line["key"] for line in stored(tmp_path)}) == 3


@pytest.mark.parametrize(
    "fault",
    [
        failure(500),
        failure(503, headers={"retry-after": "0"}),
        failure(429, headers={"retry-after-ms": "10"}),
        failure(408),
        Act(drop=True),
        Act(body=answer("billing").body, cut=40),
        Act(body=answer("billing").body[:40]),
        Act(body=b"<html>Bad gateway</html>", headers={"content-type": "text/html"}),
        Act(body=b'{"error": {"message": "overloaded"}}'),
        Act(body=b'{"choices": []}'),
        Act(body=b'{"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}'),
        Act(body=b""),
        Act(body=b"null"),
        answer(""),
        answer(None),
        answer("bil", None),
        answer("bil", "insufficient_system_resource"),
    ],
    ids=lambda act: f"{act.status}-{act.body[:24]!r}{'-dropped' if act.drop else ''}{'-cut' if act.cut else ''}",
)
def test_transient_error_is_retried_and_never_stored_as_a_completion(tmp_path, serve, fault):
    server = serve(first(fault))
    summary, _ = run(tmp_path)
    assert [line["text"] for line in stored(tmp_path)] == ["billing"] * 6
    assert (summary["generated"], summary["sent"], summary["failed"]) == (6, 12, {})
    # each try was counted: the worker's count is the server's own
    assert summary["sent"] == len(server.requests)


def test_slow_first_byte_is_retried_after_the_timeout(tmp_path, serve):
    server = serve(first(Act(body=answer("late").body, delay_s=30.0)))
    started = time.monotonic()
    run(tmp_path, 2, endpoint={"timeout_s": 0.5})
    assert time.monotonic() - started < 20.0
    assert len(server.requests) >= 4
    assert {line["text"] for line in stored(tmp_path)} == {"billing"}


def test_server_that_sends_blank_lines_for_ever_is_given_up(tmp_path, serve):
    # each of them would begin the library's own timeout anew
    serve(first(Act(body=answer("late").body, delay_s=30.0, drip_s=0.05)))
    started = time.monotonic()
    run(tmp_path, 2, endpoint={"timeout_s": 0.5})
    assert time.monotonic() - started < 20.0


def test_response_with_blank_lines_before_it_is_read(tmp_path, serve):
    server = serve(lambda _: Act(body=answer('{"answer":"billing"}').body, delay_s=0.2, drip_s=0.05))
    run(tmp_path, 2)
    assert len(server.requests) == 2


def test_retry_after_holds_all_requests_back(tmp_path, serve):
    def plan(received: Received) -> Act:
        if received.number == 0:
            return failure(429, headers={"retry-after-ms": "400"})
        return Act(body=answer("billing").body, delay_s=0.1)

    server = serve(plan)
    run(tmp_path, 6, endpoint={"concurrency": 2})
    # the second may have been under way when the first was refused
    refused, _, *others = [request.at for request in server.requests]
    assert all(at - refused >= 0.4 for at in others)
    assert len(others) == 5


def test_rate_limits_do_not_use_up_the_tries_of_a_prompt(tmp_path, serve):
    serve(first(failure(429, headers={"retry-after": "0"}), times=8))
    summary, _ = run(tmp_path, 2, endpoint={"max_attempts": 2})
    assert (summary["failed"], summary["generated"]) == ({}, 2)


def test_retry_after_zero_makes_no_tight_loop(tmp_path, serve):
    server = serve(lambda _: failure(429, headers={"retry-after": "0"}))
    asked = spec(tmp_path, teacher(endpoint={"patience_s": 0.5}), 1)
    backoff = wait_random_exponential(multiplier=0.25, max=60.0)
    with pytest.raises(ServiceError):
        generate(asked, RecordingReporter(), connect_over(Path("socket"), backoff=backoff))
    assert 2 <= len(server.requests) < 10


def test_retry_after_beyond_patience_ends_the_run_at_once(tmp_path, serve):
    server = serve(lambda _: failure(429, headers={"retry-after": "3600"}))
    started = time.monotonic()
    with pytest.raises(ServiceError, match="run again once it answers") as caught:
        run(tmp_path, 40)
    assert can_pass(caught.value)
    assert time.monotonic() - started < 5.0
    # four at once, of which two may have begun another one when the third is given up
    assert len(server.requests) <= 4 + 2


@pytest.mark.pitfall("none rows")
def test_prompt_that_always_fails_is_stored_as_failed_and_others_complete(tmp_path, serve):
    server = serve(lambda received: failure(500) if received.prompt == "message 3" else billing(received))
    summary, told = run(tmp_path)
    table = answers(tmp_path)
    assert (table["r3"]["text"], table["r3"]["finish_reason"]) == ("", "error:server")
    assert [table[f"r{n}"]["text"] for n in (0, 1, 2, 4, 5)] == ["billing"] * 5
    assert summary["failed"] == {"server": 1}
    assert len(server.requests) == 5 + 3
    assert "answered 500" in told.text


def test_failed_completion_is_requested_again_by_the_next_generation_only(tmp_path, serve):
    server = serve(lambda received: answer("") if received.prompt == "message 3" else billing(received))
    run(tmp_path)
    server.plan = billing
    summary, _ = run(tmp_path)
    assert (summary["from_store"], summary["generated"]) == (5, 1)
    assert answers(tmp_path)["r3"]["text"] == "billing"


@pytest.mark.pitfall("bad row")
def test_filtered_prompt_is_a_failed_completion_and_is_sent_once(tmp_path, serve):
    blocked = failure(400, "blocked", code="content_filter")
    server = serve(lambda received: blocked if received.prompt == "message 3" else billing(received))
    summary, _ = run(tmp_path)
    assert answers(tmp_path)["r3"]["finish_reason"] == "error:content_filter"
    assert (summary["failed"], len(server.requests)) == ({"content_filter": 1}, 6)


def test_truncated_completion_is_stored_as_such(tmp_path, serve):
    serve(lambda _: answer('{"answer":"bil', "length"))
    run(tmp_path, 1)
    assert (answers(tmp_path)["r0"]["text"], answers(tmp_path)["r0"]["finish_reason"]) == ('{"answer":"bil', "length")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}"), "set that variable to a valid key"),
        (failure(403, "not yours"), "may not use model served"),
        (failure(404, "The model `served` does not exist"), "check the recipe's model and the endpoint's base_url"),
        (failure(402, "Insufficient Balance"), "has nothing left to spend"),
        (failure(429, "quota", code="insufficient_quota"), "has nothing left to spend"),
        (Act(307, headers={"location": "http://127.0.0.1:9/other"}), "Redirects are not followed"),
    ],
)
def test_permanent_error_ends_the_run_at_once_in_one_line_without_the_key(tmp_path, serve, act, said):
    server = serve(lambda received: billing(received) if received.number == 0 else act)
    with pytest.raises(ServiceError) as caught:
        run(tmp_path, 40, endpoint={"concurrency": 1})
    message = str(caught.value)
    assert said in message
    assert f"answered {act.status}" in message
    assert "\n" not in message
    assert KEY not in message
    assert not can_pass(caught.value)
    assert len(server.requests) == 2
    # what came before it is kept
    assert [line["text"] for line in stored(tmp_path)] == ["billing"]


@pytest.mark.pitfall("none rows")
def test_endpoint_that_answers_nothing_ends_the_run_and_may_be_retried(tmp_path, serve):
    server = serve(lambda _: failure(500))
    with pytest.raises(ServiceError) as caught:
        run(tmp_path, 40, endpoint={"patience_s": 0.3})
    assert can_pass(caught.value)
    assert len({request.prompt for request in server.requests}) < 10
    assert not (tmp_path / "out" / "completions.parquet").exists()


def test_endpoint_that_fails_the_only_prompt_ends_the_run(tmp_path, serve):
    serve(lambda _: Act(drop=True))
    with pytest.raises(ServiceError, match="can't be reached or broke off"):
        run(tmp_path, 1)


def test_no_more_requests_are_in_flight_than_the_recipe_says(tmp_path, serve):
    server = serve(lambda _: Act(body=answer("billing").body, delay_s=0.05))
    run(tmp_path, 20, endpoint={"concurrency": 5})
    assert server.most_at_once == 5


def test_requests_are_sent_no_faster_than_their_limit(tmp_path, serve):
    server = serve(billing)
    run(tmp_path, 11, endpoint={"requests_per_minute": 600})
    times = sorted(request.at for request in server.requests)
    assert times[-1] - times[0] >= 0.9  # arrivals jitter by tens of milliseconds


def test_tokens_are_sent_no_faster_than_their_limit(tmp_path, serve):
    # each request counts for over 1000 tokens; a burst of 6000 lets five through, the others come at 1000 a second
    server = serve(lambda _: answer("billing"))
    run(tmp_path, 7, sampling={"max_tokens": 1000}, endpoint={"tokens_per_minute": 60_000})
    times = sorted(request.at for request in server.requests)
    assert times[-1] - times[0] >= 1.0


def test_completions_are_stored_while_others_are_in_flight(tmp_path, serve):
    late = Act(body=answer("late").body, delay_s=1.0)
    serve(lambda received: late if received.prompt == "message 5" else billing(received))
    run(tmp_path)
    segments = sorted((tmp_path / "store" / "completions").rglob("*.parquet"))
    assert pq.read_table(segments[-1])["text"].to_pylist() == ["late"]


def test_store_that_fails_ends_the_generation(tmp_path, serve):
    server = serve(lambda _: Act(body=answer("billing").body, delay_s=0.02))
    store = tmp_path / "store"
    store.mkdir()
    (store / "completions").write_text("a file where a folder must be")
    with pytest.raises(Exception, match="completions"):
        run(tmp_path, 400, endpoint={"concurrency": 2})
    assert len(server.requests) < 100
