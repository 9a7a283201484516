"""Batches in this process, over a Unix socket: what is submitted, what is stored, and what is never bought twice."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tenacity import wait_none

from stillhouse.errors import ServiceError, ServiceUnavailable, StoreError, can_pass
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.teachers.api_worker import generate
from tests.support.api.batch_server import BatchServer, Fault, answered, refused, serving_batches, undone
from tests.support.api.requests import KEY, Told, answers, spec, stored, teacher
from tests.support.api.server import Received, serving
from tests.support.api.server import answer as completion


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)  # a Unix socket's path must be short
    with serving_batches(Path("socket")) as found:
        yield found


def run(folder: Path, num_rows: int = 6, batch: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return told_run(folder, num_rows, batch, **fields)[0]


def told_run(
    folder: Path,
    num_rows: int = 6,
    batch: dict[str, Any] | None = None,
    settle_s: float = 0.1,
    endpoint: dict[str, Any] | None = None,
    **fields: Any,
) -> tuple[dict[str, Any], Told]:
    told = Told()
    how = {"execution": "batch", "batch": {"poll_s": 0.01, **(batch or {})}, **(endpoint or {})}

    def connect(*parts: Any) -> BatchClient:
        transport = httpx2.AsyncHTTPTransport(uds="socket")
        return BatchClient(*parts, backoff=wait_none(), settle_s=settle_s, transport=transport)

    asked = spec(folder, teacher(endpoint=how, **fields), num_rows)
    return generate(asked, told, connect_batches=connect), told


def tickets(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "work" / "batches").rglob("*.json"))


def texts(folder: Path) -> list[str]:
    return [line["text"] for _, line in sorted(answers(folder).items())]


def once_each(server: BatchServer, number: int) -> bool:
    return len(server.bought) == number and set(server.bought.values()) == {1}


def test_batches_answer_each_row_and_cost_half(tmp_path, server):
    server.answer = lambda line: answered(line["custom_id"], line["body"]["messages"][-1]["content"])
    summary, told = told_run(tmp_path, output={"kind": "free"})
    assert texts(tmp_path) == [f"message {n}" for n in range(6)]
    assert (summary["requests"], summary["generated"], summary["sent"], summary["failed"]) == (6, 6, 6, {})
    assert (summary["batch"], summary["price_factor"]) == (True, 0.5)
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (66, 12)
    assert once_each(server, 6)
    assert not tickets(tmp_path)
    assert KEY not in told.text


def test_batch_names_its_ticket_to_the_account_and_holds_keys_as_ids(tmp_path, server):
    run(tmp_path)
    (batch,) = server.batches
    assert set(batch.metadata) == {"stillhouse_ticket", "stillhouse_teacher"}
    assert sorted(batch.keys) == sorted(line["key"] for line in stored(tmp_path))
    body = batch.lines[0]["body"]
    assert body["model"] == "served"
    assert body["response_format"]["type"] == "json_schema"


def test_batch_and_single_requests_share_one_store_and_one_form(tmp_path, server):
    server.answer = lambda line: answered(line["custom_id"], '{"answer":"delivery"}')
    run(tmp_path, 4)
    # nothing is asked one by one, and no server is there to ask
    summary = generate(spec(tmp_path, teacher(), 4), Told())
    assert (summary["from_store"], summary["generated"]) == (4, 0)
    assert texts(tmp_path) == ["delivery"] * 4


def test_single_requests_before_leave_only_the_rest_to_a_batch(tmp_path, server):
    sent: list[Received] = []

    def plan(received: Received) -> Any:
        sent.append(received)
        return completion('{"answer":"billing"}')

    with serving(plan, Path("single")):
        from tests.support.api.requests import over

        generate(spec(tmp_path, teacher(), 2), Told(), over(Path("single")))
    summary = run(tmp_path, 5)
    assert (summary["from_store"], summary["sent"]) == (2, 3)
    # a line holds what a single request does
    by_prompt = dict(zip(server.batches[0].prompts, server.batches[0].lines, strict=True))
    assert sorted(by_prompt) == ["message 2", "message 3", "message 4"]
    single = {**sent[0].body, "messages": None}
    assert {**by_prompt["message 2"]["body"], "messages": None} == single


def test_second_run_submits_nothing_and_needs_no_key(tmp_path, server, monkeypatch):
    run(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY")
    before = len(server.calls)
    assert run(tmp_path)["sent"] == 0
    assert len(server.calls) == before


def test_requests_are_cut_into_batches_by_their_number(tmp_path, server):
    run(tmp_path, 10, {"max_requests": 4})
    assert sorted(len(batch.lines) for batch in server.batches) == [2, 4, 4]
    assert once_each(server, 10)


def test_requests_are_cut_into_batches_by_their_size(tmp_path, server):
    # each line holds this instruction of 300,000 bytes
    run(tmp_path, 7, {"max_megabytes": 1}, prompt={"system": "Sort. " * 50_000})
    assert [len(batch.lines) for batch in server.batches] == [3, 3, 1]
    assert max(server.sizes) <= 1_000_000
    assert once_each(server, 7)


def test_file_that_is_still_looked_through_is_waited_for(tmp_path, server):
    server.file_looks = 3
    run(tmp_path)
    assert server.calls.count("file") == 3
    assert once_each(server, 6)


def test_no_more_batches_are_under_way_than_the_recipe_says(tmp_path, server):
    most = []

    def end(batch: Any) -> str:
        most.append(sum(found.status == "in_progress" for found in server.batches))
        return "completed"

    server.end = end
    run(tmp_path, 6, {"max_requests": 1, "at_once": 2})
    assert len(server.batches) == 6
    assert max(most) == 2


def test_waiting_is_told_at_every_look_though_nothing_moves(tmp_path, server):
    server.looks_until_end = 12
    _, told = told_run(tmp_path, 3)
    looks = [json.loads(line) for line in told.text.splitlines() if '"progress"' in line]
    assert len(looks) >= 12
    assert {line["done"] for line in looks} == {1, 2, 3}


def test_lines_that_failed_in_passing_go_into_another_batch(tmp_path, server):
    def answer(line: dict[str, Any]) -> dict[str, Any]:
        is_unlucky = len(server.batches) == 1 and line["body"]["messages"][-1]["content"] in ("message 1", "message 4")
        return refused(line["custom_id"], 500) if is_unlucky else answered(line["custom_id"])

    server.answer = answer
    summary = run(tmp_path, output={"kind": "free"})
    assert sorted(server.batches[1].prompts) == ["message 1", "message 4"]
    assert texts(tmp_path) == ["billing"] * 6
    assert (summary["sent"], summary["generated"], summary["failed"]) == (8, 6, {})


@pytest.mark.parametrize(
    "unlucky",
    [
        lambda key: refused(key, 503),
        lambda key: refused(key, 429),
        lambda key: answered(key, ""),
        lambda key: answered(key, "bil", "insufficient_system_resource"),
        lambda key: {**answered(key), "response": {"status_code": 200, "body": "<html>"}},
        lambda key: {**answered(key), "response": None},
        lambda key: undone(key),
        lambda key: None,
    ],
    ids=["503", "429", "empty", "broken", "page", "nothing", "expired", "missing"],
)
def test_line_that_never_comes_well_is_a_failed_answer_after_its_tries(tmp_path, server, unlucky):
    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        key = line["custom_id"]
        return unlucky(key) if line["body"]["messages"][-1]["content"] == "message 1" else answered(key)

    server.answer = answer
    summary = run(tmp_path, 3, {"max_attempts": 2}, output={"kind": "free"})
    assert len(server.batches) == 2
    assert answers(tmp_path)["r1"]["finish_reason"].startswith("error:")
    assert [answers(tmp_path)[name]["text"] for name in ("r0", "r2")] == ["billing"] * 2
    assert sum(summary["failed"].values()) == 1
    assert not tickets(tmp_path)


def test_expired_batch_keeps_its_answers_and_the_rest_is_asked_again(tmp_path, server):
    server.end = lambda batch: "expired" if batch.id == "batch_0" else "completed"

    def answer(line: dict[str, Any]) -> dict[str, Any]:
        is_late = len(server.batches) == 1 and line["body"]["messages"][-1]["content"] > "message 2"
        return undone(line["custom_id"]) if is_late else answered(line["custom_id"])

    server.answer = answer
    run(tmp_path, output={"kind": "free"})
    assert sorted(server.batches[1].prompts) == ["message 3", "message 4", "message 5"]
    assert len(server.batches) == 2
    assert texts(tmp_path) == ["billing"] * 6


def test_one_prompt_the_endpoint_refuses_is_a_failed_answer_and_is_asked_once(tmp_path, server):
    def answer(line: dict[str, Any]) -> dict[str, Any]:
        key = line["custom_id"]
        kinds = {
            "message 1": refused(key, 400, "context_length_exceeded"),
            "message 2": refused(key, 400, code="content_filter"),
        }
        return kinds.get(line["body"]["messages"][-1]["content"], answered(key))

    server.answer = answer
    summary = run(tmp_path, 4, output={"kind": "free"})
    assert len(server.batches) == 1
    assert summary["failed"] == {"request": 1, "content_filter": 1}
    assert answers(tmp_path)["r1"]["finish_reason"] == "error:request"


def test_batch_whose_every_line_is_refused_ends_the_run_with_the_servers_words(tmp_path, server):
    server.answer = lambda line: refused(line["custom_id"], 400, "Unsupported parameter: 'seed'")
    with pytest.raises(ServiceError, match=r"Unsupported parameter: 'seed'.*mend what it names") as caught:
        run(tmp_path)
    assert not can_pass(caught.value)
    assert len(server.batches) == 1
    assert not tickets(tmp_path)


def test_quota_spent_in_the_middle_keeps_the_answers_and_ends_the_run(tmp_path, server):
    def answer(line: dict[str, Any]) -> dict[str, Any]:
        is_broke = line["body"]["messages"][-1]["content"] > "message 2"
        key = line["custom_id"]
        return refused(key, 429, "quota", code="insufficient_quota") if is_broke else answered(key)

    server.answer = answer
    with pytest.raises(ServiceError, match="nothing left to spend"):
        run(tmp_path)
    assert len(stored(tmp_path)) == 3
    server.answer = lambda line: answered(line["custom_id"])
    assert run(tmp_path)["sent"] == 3


def test_batch_without_any_answer_ends_the_run_and_may_be_tried_later(tmp_path, server):
    server.answer = lambda line: refused(line["custom_id"], 500)
    with pytest.raises(ServiceUnavailable, match="got no answer at all"):
        run(tmp_path)
    assert len(server.batches) == 1


def test_cancelled_batch_keeps_its_answers_and_is_not_asked_again_by_the_same_run(tmp_path, server):
    server.end = lambda batch: "cancelled"
    server.answer = lambda line: (
        answered(line["custom_id"])
        if len(server.files) < 3 and line["body"]["messages"][-1]["content"] < "message 2"
        else undone(line["custom_id"], "batch_cancelled")
    )
    with pytest.raises(ServiceError, match="was cancelled at the provider"):
        run(tmp_path)
    assert len(server.batches) == 1
    assert len(stored(tmp_path)) == 2
    server.end, server.answer = (lambda batch: "completed"), (lambda line: answered(line["custom_id"]))
    assert run(tmp_path)["sent"] == 4


def test_file_the_provider_finds_wrong_ends_the_run_with_its_words(tmp_path, server):
    def end(batch: Any) -> str:
        batch.errors = [{"code": "invalid_json_line", "message": "Line 3 is no JSON", "line": 3}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match="Line 3 is no JSON"):
        run(tmp_path)
    assert not tickets(tmp_path)


def test_batch_above_the_accounts_waiting_tokens_is_submitted_again_after_another_ended(tmp_path, server):
    def end(batch: Any) -> str:
        if batch.id == "batch_1":
            batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
            return "failed"
        return "completed"

    server.end, server.looks_until_end = end, 2
    run(tmp_path, 9, {"max_requests": 3})
    assert once_each(server, 9)
    assert len(server.batches) == 4


def test_batch_above_the_accounts_waiting_tokens_alone_says_what_to_lower(tmp_path, server):
    def end(batch: Any) -> str:
        batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
        return "failed"

    server.end = end
    with pytest.raises(ServiceError, match=r"lower teachers.0.endpoint.batch.max_requests"):
        run(tmp_path)


@pytest.mark.parametrize("is_done", [False, True], ids=["not heard", "heard"])
@pytest.mark.parametrize("status", [0, 500, 200])
def test_submission_without_a_readable_answer_is_looked_up_before_it_is_made_again(tmp_path, server, status, is_done):
    lost = Fault(status, is_done=is_done, body="<html>")
    server.fault = lambda call, number: lost if (call, number) == ("create", 0) else None
    run(tmp_path)
    assert once_each(server, 6)
    assert server.calls.count("create") == (1 if is_done else 2)
    # looked up after it was lost and before anything else
    assert server.calls[server.calls.index("create") + 1] == "list"


def test_submission_that_is_told_to_wait_is_made_again_without_a_second_batch(tmp_path, server):
    wait = Fault(429, headers={"retry-after": "0"})
    server.fault = lambda call, number: wait if call == "create" and number < 2 else None
    run(tmp_path)
    assert once_each(server, 6)


@pytest.mark.parametrize("call", ["upload", "state", "content", "list"])
@pytest.mark.parametrize(
    "fault", [Fault(), Fault(500), Fault(429, headers={"retry-after-ms": "5"})], ids=["drop", "500", "429"]
)
def test_calls_that_cost_nothing_are_made_again(tmp_path, server, call, fault):
    lost = Fault(500, is_done=True)
    server.fault = lambda name, number: (
        fault if name == call and number == 0 else lost if (name, number, call) == ("create", 0, "list") else None
    )
    run(tmp_path)
    assert once_each(server, 6)
    assert not tickets(tmp_path)


def test_results_that_are_cut_off_are_fetched_again_and_not_bought_again(tmp_path, server):
    whole: dict[str, bytes] = {}

    def fault(call: str, number: int) -> None:
        if call == "content" and "batch_0-output" in server.files:
            if number == 0:
                whole.update(server.files)
                server.files["batch_0-output"] = server.files["batch_0-output"][:-700]
            else:
                server.files.update(whole)

    server.fault = fault
    run(tmp_path)
    assert server.calls.count("content") == 2
    assert once_each(server, 6)
    assert len(stored(tmp_path)) == 6


def test_batch_that_is_not_done_in_time_goes_on_and_the_next_run_collects_it(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError, match=r"They go on.*run again to collect") as caught:
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    # a try of Prefect's own would only wait as long again
    assert not can_pass(caught.value)
    assert len(tickets(tmp_path)) == 1
    server.looks_until_end = 1
    summary, told = told_run(tmp_path)
    assert (summary["sent"], summary["generated"]) == (0, 6)
    assert once_each(server, 6)
    assert "of an earlier run is collected" in told.text
    assert not tickets(tmp_path)


def test_new_rows_go_into_a_batch_of_their_own_while_the_old_one_is_collected(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, 4, {"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    summary = run(tmp_path, 7)
    assert summary["sent"] == 3
    assert once_each(server, 7)


def test_answers_to_rows_that_the_recipe_no_longer_has_are_kept(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, 6, {"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    assert run(tmp_path, 2)["generated"] == 2
    assert len(stored(tmp_path)) == 6
    assert run(tmp_path, 6)["sent"] == 0


def left_ticket(folder: Path, server: BatchServer, age_s: float) -> None:
    """A run that was killed between its submission and the note of the batch's id."""
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(folder, batch={"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    (place,) = tickets(folder)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"batch": "", "written": time.time() - age_s}))


def test_batch_whose_id_a_kill_lost_is_found_in_the_list_over_its_pages(tmp_path, server):
    left_ticket(tmp_path, server, 1000.0)
    server.page_size = 2
    theirs = server.batches[0]
    server.batches += [type(theirs)(f"batch_of_others_{n}", f"file-of-others-{n}", {}, []) for n in range(5)]
    assert run(tmp_path)["sent"] == 0
    assert server.calls.count("list") == 3
    assert sum(batch.status == "completed" for batch in server.batches) == 1
    assert len(stored(tmp_path)) == 6


def test_submission_that_was_never_heard_is_made_by_the_next_run(tmp_path, server):
    left_ticket(tmp_path, server, 1000.0)
    server.batches.clear()
    assert run(tmp_path)["sent"] == 6
    assert once_each(server, 6)
    assert not tickets(tmp_path)


def test_submission_of_a_moment_ago_is_given_time_to_show_itself(tmp_path, server):
    left_ticket(tmp_path, server, 0.0)
    server.is_listing = False

    def fault(call: str, number: int) -> None:
        # it shows itself in the second list alone
        server.is_listing = server.calls.count("list") >= 1

    server.fault = fault
    summary, told = told_run(tmp_path, settle_s=1.0)
    assert summary["sent"] == 0
    assert once_each(server, 6)
    assert "whether it came to be is known in" in told.text


def test_batch_that_another_project_submitted_is_not_bought_again_without_a_word(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    server.batches.clear()
    with pytest.raises(ServiceError, match=r"delete work/batches/.*\.json in the store"):
        run(tmp_path)
    assert not server.batches


def test_results_that_are_gone_are_not_bought_again_without_a_word(tmp_path, server):
    server.fault = lambda call, number: server.files.pop("batch_0-output", None) and None
    with pytest.raises(ServiceError, match=r"no longer there.*Delete work/batches"):
        run(tmp_path)
    assert len(server.batches) == 1


def test_damaged_ticket_stops_the_run_rather_than_to_buy_twice(tmp_path, server):
    left_ticket(tmp_path, server, 0.0)
    (place,) = tickets(tmp_path)
    place.write_text("{")
    with pytest.raises(StoreError, match="is damaged, and stands for a batch"):
        run(tmp_path)
    assert len(server.batches) == 1


def test_endpoint_without_a_batch_api_is_named_as_such(tmp_path, server):
    server.fault = lambda call, number: Fault(404) if call == "upload" else None
    with pytest.raises(ServiceError, match=r"it has no batch API there.*Set endpoint.execution to realtime"):
        run(tmp_path)


def test_wrong_key_ends_the_run_at_once_and_is_not_shown(tmp_path, server):
    server.fault = lambda call, number: Fault(401, body=json.dumps({"error": {"message": f"bad {KEY}"}}))
    with pytest.raises(ServiceError, match="set that variable to a valid key") as caught:
        run(tmp_path)
    assert KEY not in str(caught.value)
    assert server.calls == ["upload"]


def test_endpoint_that_is_gone_for_good_ends_the_run_and_leaves_the_ticket(tmp_path, server):
    server.fault = lambda call, number: Fault() if call == "state" else None
    with pytest.raises(ServiceUnavailable, match="run again once it answers"):
        run(tmp_path)
    assert len(tickets(tmp_path)) == 1
    server.fault = lambda call, number: None
    assert run(tmp_path)["sent"] == 0
    assert once_each(server, 6)


def test_key_stands_in_no_file_of_the_store(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert tickets(tmp_path)[0] in written
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    assert os.environ["OPENAI_API_KEY"] == KEY
