"""What becomes of the lines of a batch: stored, retried, failed, or the end of the run."""

from typing import Any

import pytest

from stillhouse.errors import ServiceError, ServiceUnavailable, can_pass
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, texts_of, ticket_files
from tests.support.api.batch_server import answered, refused, undone
from tests.support.api.requests import answers, stored


def test_lines_with_a_transient_error_go_into_another_batch(tmp_path, server):
    def answer(line: dict[str, Any]) -> dict[str, Any]:
        is_unlucky = len(server.batches) == 1 and line["body"]["messages"][-1]["content"] in ("message 1", "message 4")
        return refused(line["custom_id"], 500) if is_unlucky else answered(line["custom_id"])

    server.answer = answer
    summary = run(tmp_path, output={"kind": "free"})
    assert sorted(server.batches[1].prompts) == ["message 1", "message 4"]
    assert texts_of(tmp_path) == ["billing"] * 6
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
def test_line_that_always_fails_is_a_failed_completion_after_its_tries(tmp_path, server, unlucky):
    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        key = line["custom_id"]
        return unlucky(key) if line["body"]["messages"][-1]["content"] == "message 1" else answered(key)

    server.answer = answer
    summary = run(tmp_path, 3, {"max_attempts": 2}, output={"kind": "free"})
    assert len(server.batches) == 2
    assert answers(tmp_path)["r1"]["finish_reason"].startswith("error:")
    assert [answers(tmp_path)[name]["text"] for name in ("r0", "r2")] == ["billing"] * 2
    assert sum(summary["failed"].values()) == 1
    assert not ticket_files(tmp_path)


def test_empty_answer_of_a_greedy_teacher_is_bought_twice_at_most_and_counts_as_paid(tmp_path, server):
    server.answer = lambda line: answered(
        line["custom_id"], "" if line["body"]["messages"][-1]["content"] == "message 1" else "billing"
    )
    summary = run(tmp_path, 3, {"max_attempts": 5}, output={"kind": "free"})
    assert sum(server.bought.values()) == 2 + 2
    # 13 tokens a line by the provider's own count
    assert summary["prompt_tokens"] + summary["completion_tokens"] == 13 * (2 + 2)


def test_expired_batch_keeps_its_completions_and_the_rest_is_submitted_again(tmp_path, server):
    server.end_first_after("message 2")
    run(tmp_path, output={"kind": "free"})
    assert sorted(server.batches[1].prompts) == ["message 3", "message 4", "message 5"]
    assert len(server.batches) == 2
    assert texts_of(tmp_path) == ["billing"] * 6


def test_refused_prompt_is_named_by_its_row(tmp_path, server):
    server.answer = lambda line: (
        refused(line["custom_id"], 400, "too many tokens")
        if line["body"]["messages"][-1]["content"] == "message 2"
        else answered(line["custom_id"])
    )
    _, told = run_with_report(tmp_path, 4, output={"kind": "free"})
    assert "row r2 is refused and counts as failed" in told.text
    assert "lower data.max_prompt_chars" in told.text


def test_refused_prompt_is_a_failed_completion_and_is_submitted_once(tmp_path, server):
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
    assert summary["failed"] == {"too_long": 1, "content_filter": 1}
    assert answers(tmp_path)["r1"]["finish_reason"] == "error:too_long"


def test_batch_with_every_line_refused_ends_the_run_with_the_servers_message(tmp_path, server):
    server.answer = lambda line: refused(line["custom_id"], 400, "Unsupported parameter: 'seed'")
    with pytest.raises(ServiceError, match=r"Unsupported parameter: 'seed'.*mend what it names") as caught:
        run(tmp_path)
    assert not can_pass(caught.value)
    assert len(server.batches) == 1
    assert not ticket_files(tmp_path)


def test_quota_spent_in_the_middle_keeps_the_completions_and_ends_the_run(tmp_path, server):
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


def test_batch_without_any_completion_ends_the_run_and_may_be_retried(tmp_path, server):
    server.answer = lambda line: refused(line["custom_id"], 500)
    with pytest.raises(ServiceUnavailable, match="got no answer at all"):
        run(tmp_path)
    assert len(server.batches) == 1


def test_cancelled_batch_keeps_its_completions_and_is_not_resubmitted_by_the_same_run(tmp_path, server):
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


def test_results_cut_off_are_fetched_again_and_not_bought_again(tmp_path, server):
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
    assert bought_once_each(server, 6)
    assert len(stored(tmp_path)) == 6


def test_results_that_are_gone_end_the_run_and_are_not_bought_again(tmp_path, server):
    server.fault = lambda call, number: server.files.pop("batch_0-output", None) and None
    with pytest.raises(ServiceError, match=r"no longer there.*Delete work/batches"):
        run(tmp_path)
    assert len(server.batches) == 1
