"""What is submitted as a batch, and that a submission without a response makes no second one."""

import pytest

from tests.support.api.batch_runs import bought_once_each, run
from tests.support.api.batch_server import Fault
from tests.support.api.requests import stored


def test_batch_names_its_ticket_and_holds_keys_as_custom_ids(tmp_path, server):
    run(tmp_path)
    (batch,) = server.batches
    assert set(batch.metadata) == {"stillhouse_ticket", "stillhouse_teacher"}
    assert sorted(batch.keys) == sorted(line["key"] for line in stored(tmp_path))
    body = batch.lines[0]["body"]
    assert body["model"] == "served"
    assert body["response_format"]["type"] == "json_schema"


def test_requests_are_cut_into_batches_by_their_number(tmp_path, server):
    run(tmp_path, 10, {"max_requests": 4})
    assert sorted(len(batch.lines) for batch in server.batches) == [2, 4, 4]
    assert bought_once_each(server, 10)


def test_requests_are_cut_into_batches_by_their_size(tmp_path, server):
    # each line holds this instruction of 300,000 bytes
    run(tmp_path, 7, {"max_megabytes": 1}, prompt={"system": "Sort. " * 50_000})
    assert [len(batch.lines) for batch in server.batches] == [3, 3, 1]
    assert max(server.sizes) <= 1_000_000
    assert bought_once_each(server, 7)


def test_uploaded_file_that_is_still_checked_is_waited_for(tmp_path, server):
    server.file_looks = 3
    run(tmp_path)
    assert server.calls.count("file") == 3
    assert bought_once_each(server, 6)


@pytest.mark.parametrize("is_done", [False, True], ids=["not heard", "heard"])
@pytest.mark.parametrize("status", [0, 500, 200])
def test_submission_without_a_readable_response_is_looked_up_before_it_is_repeated(tmp_path, server, status, is_done):
    lost = Fault(status, is_done=is_done, body="<html>")
    server.fault = lambda call, number: lost if (call, number) == ("create", 0) else None
    run(tmp_path)
    assert bought_once_each(server, 6)
    assert server.calls.count("create") == (1 if is_done else 2)
    # looked up after it was lost and before anything else
    assert server.calls[server.calls.index("create") + 1] == "list"


def test_submission_at_the_rate_limit_is_repeated_without_a_second_batch(tmp_path, server):
    wait = Fault(429, headers={"retry-after": "0"})
    server.fault = lambda call, number: wait if call == "create" and number < 2 else None
    run(tmp_path)
    assert bought_once_each(server, 6)
