"""Files at the provider: gone once their answers are stored, and not before."""

import pytest

from stillhouse.errors import ServiceError, ServiceUnavailable, can_pass
from tests.support.api.batch_runs import run, run_with_report, ticket_files
from tests.support.api.batch_server import Fault, answered, refused
from tests.support.api.requests import stored


def test_files_of_a_collected_batch_are_deleted_at_the_provider(tmp_path, server):
    server.answer = lambda line: (
        refused(line["custom_id"], 400, "no")
        if line["body"]["messages"][-1]["content"] == "message 2"
        else answered(line["custom_id"])
    )
    run(tmp_path, batch={"max_requests": 4}, output={"kind": "free"})
    # requests and results of two batches, and the refused lines of one
    assert server.calls.count("delete") == 2 + 2 + 1
    assert server.files == {}
    assert len(stored(tmp_path)) == 6


def test_files_are_deleted_after_the_answers_are_stored_and_the_ticket_is_gone(tmp_path, server):
    found = []

    def look(call: str, number: int) -> None:
        if call == "delete":
            found.append((len(stored(tmp_path)), len(ticket_files(tmp_path))))

    server.fault = look
    run(tmp_path)
    assert found == [(6, 0)] * 2


def test_file_of_a_refused_batch_is_deleted(tmp_path, server):
    server.end = lambda batch: "failed"
    with pytest.raises(ServiceError):
        run(tmp_path)
    assert server.files == {}


@pytest.mark.parametrize("status", [0, 403, 500])
def test_file_that_cannot_be_deleted_is_told_of_and_ends_nothing(tmp_path, server, status):
    server.fault = lambda call, number: Fault(status) if call == "delete" else None
    summary, told = run_with_report(tmp_path)
    assert summary["generated"] == 6
    assert "file-1, batch_0-output could not be deleted at openai" in told.text


def test_batch_that_another_run_collects_meanwhile_is_found_in_the_store_next_time(tmp_path, server):
    def collect_elsewhere(call: str, number: int) -> None:
        if call == "content" and number == 0:
            (ticket,) = ticket_files(tmp_path)
            ticket.unlink()
            server.files.clear()

    server.fault = collect_elsewhere
    with pytest.raises(ServiceUnavailable, match="collected by another run") as caught:
        run(tmp_path)
    assert can_pass(caught.value)
