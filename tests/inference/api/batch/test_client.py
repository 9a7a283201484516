"""The calls of a batch API: what is retried, and what an error says."""

import json
import os

import pytest

from stillhouse.errors import ServiceError, ServiceUnavailable
from tests.support.api.batch_runs import bought_once_each, run, ticket_files
from tests.support.api.batch_server import Fault
from tests.support.api.requests import KEY


@pytest.mark.parametrize("call", ["upload", "state", "content", "list"])
@pytest.mark.parametrize(
    "fault", [Fault(), Fault(500), Fault(429, headers={"retry-after-ms": "5"})], ids=["drop", "500", "429"]
)
def test_calls_without_cost_are_retried(tmp_path, server, call, fault):
    lost = Fault(500, is_done=True)
    server.fault = lambda name, number: (
        fault if name == call and number == 0 else lost if (name, number, call) == ("create", 0, "list") else None
    )
    run(tmp_path)
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)


@pytest.mark.parametrize("call", ["upload", "state"])
def test_empty_response_to_a_call_is_retried(tmp_path, server, call):
    server.fault = lambda name, number: Fault(200) if (name, number) == (call, 0) else None
    run(tmp_path)
    assert bought_once_each(server, 6)
    assert not ticket_files(tmp_path)


@pytest.mark.parametrize("name", ["upload", "create"])
def test_endpoint_without_a_batch_api_is_named_as_such(tmp_path, server, name):
    server.fault = lambda call, number: Fault(404) if call == name else None
    with pytest.raises(ServiceError, match=r"it has no batch API there.*Set endpoint.execution to realtime") as caught:
        run(tmp_path)
    # a worker reports the error by the name of its class, and control looks that name up
    assert caught.type is ServiceError


def test_wrong_api_key_ends_the_run_at_once_and_is_not_shown(tmp_path, server):
    server.fault = lambda call, number: Fault(401, body=json.dumps({"error": {"message": f"bad {KEY}"}}))
    with pytest.raises(ServiceError, match="set that variable to a valid key") as caught:
        run(tmp_path)
    assert KEY not in str(caught.value)
    assert server.calls == ["upload"]


def test_endpoint_that_is_gone_ends_the_run_and_leaves_the_ticket(tmp_path, server):
    server.fault = lambda call, number: Fault() if call == "state" else None
    with pytest.raises(ServiceUnavailable, match="run again once it answers"):
        run(tmp_path, endpoint={"patience_s": 0.3})
    assert len(ticket_files(tmp_path)) == 1
    server.fault = lambda call, number: None
    assert run(tmp_path)["sent"] == 0
    assert bought_once_each(server, 6)


def test_api_key_is_in_no_file_of_the_store(tmp_path, server):
    server.looks_until_end = 10**9
    with pytest.raises(ServiceError):
        run(tmp_path, batch={"deadline_h": 0.2 / 3600})
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert ticket_files(tmp_path)[0] in written
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    assert os.environ["OPENAI_API_KEY"] == KEY
