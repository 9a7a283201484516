"""Batches of an earlier run: found by their tickets, collected, and never bought twice."""

import json
import time
from pathlib import Path

import pytest

from stillhouse.errors import ServiceError, StoreError, can_pass
from tests.support.api.batch_runs import bought_once_each, run, run_with_report, ticket_files
from tests.support.api.batch_server import BatchServer
from tests.support.api.requests import stored


def test_batch_not_done_by_the_deadline_is_collected_by_the_next_run(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError, match=r"They go on.*run again to collect") as caught:
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    # a try of Prefect's own would only wait as long again
    assert not can_pass(caught.value)
    assert len(ticket_files(tmp_path)) == 1
    server.looks_until_end = 1
    summary, reporter = run_with_report(tmp_path)
    assert (summary["sent"], summary["generated"]) == (0, 6)
    assert bought_once_each(server, 6)
    assert "of an earlier run is collected" in reporter.text
    assert not ticket_files(tmp_path)


def test_new_rows_go_into_a_batch_of_their_own_while_the_old_one_is_collected(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, 4, {"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    summary = run(tmp_path, 7)
    assert summary["sent"] == 3
    assert bought_once_each(server, 7)


def test_completions_of_rows_no_longer_in_the_recipe_are_stored(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, 6, {"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    assert run(tmp_path, 2)["generated"] == 2
    assert len(stored(tmp_path)) == 6
    assert run(tmp_path, 6)["sent"] == 0


def leave_ticket(folder: Path, server: BatchServer, age_s: float) -> None:
    """A run that was killed between its submission and the note of the batch's id."""
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(folder, batch={"deadline_h": 0.2 / 3600})
    server.looks_until_end = 1
    (place,) = ticket_files(folder)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"batch": "", "written": time.time() - age_s}))


def test_batch_whose_id_a_kill_lost_is_found_on_a_later_page_of_the_list(tmp_path, server):
    leave_ticket(tmp_path, server, 1000.0)
    server.page_size = 2
    theirs = server.batches[0]
    server.batches += [type(theirs)(f"batch_of_others_{n}", f"file-of-others-{n}", {}, []) for n in range(5)]
    assert run(tmp_path)["sent"] == 0
    assert server.calls.count("list") == 3
    assert sum(batch.status == "completed" for batch in server.batches) == 1
    assert len(stored(tmp_path)) == 6


def test_submission_that_never_arrived_is_made_by_the_next_run(tmp_path, server):
    leave_ticket(tmp_path, server, 1000.0)
    server.batches.clear()
    assert run(tmp_path)["sent"] == 6
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)


def test_submission_of_a_moment_ago_has_time_to_appear_in_the_list(tmp_path, server):
    leave_ticket(tmp_path, server, 0.0)
    server.is_listing = False

    def fault(call: str, number: int) -> None:
        # it shows itself in the second list alone
        server.is_listing = server.calls.count("list") >= 1

    server.fault = fault
    summary, reporter = run_with_report(tmp_path, settle_s=1.0)
    assert summary["sent"] == 0
    assert bought_once_each(server, 6)
    assert "whether it came to be is known in" in reporter.text


def test_batch_of_another_project_ends_the_run_and_is_not_bought_again(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    server.batches.clear()
    with pytest.raises(ServiceError, match=r"delete work/batches/.*\.json in the store"):
        run(tmp_path)
    assert not server.batches


def test_damaged_ticket_ends_the_run_and_nothing_is_bought_again(tmp_path, server):
    leave_ticket(tmp_path, server, 0.0)
    (place,) = ticket_files(tmp_path)
    place.write_text("{")
    with pytest.raises(StoreError, match="is damaged, and stands for a batch"):
        run(tmp_path)
    assert len(server.batches) == 1
