"""An endpoint that is away for a while: it is waited for by the clock, and no prompt is lost to it."""

import time
from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_fixed

from stillhouse.errors import ServiceError, can_pass
from stillhouse.teachers.api_worker import generate
from tests.support.api.requests import RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Act, Received, answer, failure

AWAY_S = 1.0
ROWS = 12


def run(folder: Path, num_rows: int = ROWS, **endpoint: Any) -> dict[str, Any]:
    """Generate with two tries a prompt, one every 50 ms."""
    asked = spec(folder, teacher(output={"kind": "free"}, endpoint={"max_attempts": 2, **endpoint}), num_rows)
    return generate(asked, RecordingReporter(), connect_over(Path("socket"), backoff=wait_fixed(0.05)))


def away(act: Act, after: int, seconds: float = AWAY_S) -> Any:
    """Answer `after` requests, then do `act` for a while, then answer again."""
    began: list[float] = []

    def plan(received: Received) -> Act:
        if received.number < after:
            return answer("billing")
        began.append(received.at)
        return act if received.at < began[0] + seconds else answer("billing")

    return plan


@pytest.mark.parametrize(
    "act",
    [failure(500), failure(503), failure(529), Act(drop=True), Act(200, b"<html>maintenance</html>")],
    ids=lambda act: f"{act.status}-{act.body[:6]!r}-{act.drop}",
)
def test_outage_in_the_middle_is_waited_for_and_loses_no_prompt(tmp_path, serve, act):
    serve(away(act, after=4))
    summary = run(tmp_path)
    assert (summary["failed"], summary["generated"]) == ({}, ROWS)
    assert {line["text"] for line in stored(tmp_path)} == {"billing"}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_endpoint_that_is_unavailable_at_the_beginning_is_waited_for(tmp_path, serve, concurrency):
    serve(away(failure(503), after=0))
    assert run(tmp_path, concurrency=concurrency)["failed"] == {}


@pytest.mark.parametrize("after", [0, 4])
def test_outage_longer_than_patience_ends_the_run_then_and_it_may_be_tried_again(tmp_path, serve, after):
    serve(away(failure(503), after=after, seconds=60.0))
    started = time.monotonic()
    with pytest.raises(ServiceError, match="run again once it answers") as caught:
        run(tmp_path, patience_s=1.0)
    assert 0.8 < time.monotonic() - started < 5.0
    assert can_pass(caught.value)
    assert len(stored(tmp_path)) == after


def test_address_that_nobody_listens_at_is_told_of_soon(tmp_path, serve):
    # no server: it never answered, so the address is probably wrong
    started = time.monotonic()
    with pytest.raises(ServiceError, match="see that"):
        run(tmp_path)
    assert time.monotonic() - started < 5.0


def test_prompt_that_fails_while_others_are_answered_is_given_up_after_its_tries(tmp_path, serve):
    server = serve(
        lambda received: failure(500) if received.prompt == "message 3" else Act(200, answer("billing").body)
    )
    assert run(tmp_path)["failed"] == {"server": 1}
    assert len(server.requests) == ROWS - 1 + 2
