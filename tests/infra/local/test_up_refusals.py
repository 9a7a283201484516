"""What `make up` refuses, each in one line that names the setting, and that it leaves nothing behind."""

import fcntl
import socket

import pytest

from tests.support.infra.services import LocalServices

pytestmark = pytest.mark.long  # commands of their own, and servers


@pytest.mark.parametrize(("service", "setting"), [("prefect", "STILLHOUSE_PREFECT_PORT"), ("s3", "STILLHOUSE_S3_PORT")])
def test_up_taken_port_is_one_line_that_names_the_setting(fresh: LocalServices, service, setting):
    with socket.socket() as other:
        other.bind(("127.0.0.1", fresh.ports[service]))
        other.listen()
        message = fresh.refused()
    assert (
        message == f"make up: Port {fresh.ports[service]} is taken by another program; set {setting} to a free port.\n"
    )
    assert fresh.running() == []


def test_up_bad_port_is_one_line(fresh: LocalServices):
    message = fresh.refused(STILLHOUSE_S3_PORT="nine")
    assert message.startswith("make up: STILLHOUSE_S3_PORT is 'nine'")
    assert message.count("\n") == 1


def test_up_while_another_is_at_work_is_refused(fresh: LocalServices):
    fresh.state.mkdir()
    with (fresh.state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another `make up` or `make down` is at work" in fresh.refused()
    assert fresh.running() == []


def test_up_folder_that_cannot_be_made_names_its_setting(fresh: LocalServices):
    fresh.state.write_text("a file stands where the folder should")
    assert "STILLHOUSE_LOCAL" in fresh.refused()
    fresh.state.unlink()


def test_up_that_fails_half_way_ends_what_it_started(fresh: LocalServices):
    message = fresh.refused(STILLHOUSE_NOTIFY_WEBHOOK="not-an-address-but-secret")
    assert "STILLHOUSE_NOTIFY_WEBHOOK is not an address that can be posted to" in message
    assert "not-an-address-but-secret" not in message
    assert fresh.running() == []


def test_down_where_nothing_was_ever_up_is_quiet(fresh: LocalServices):
    assert fresh.down() == ""
