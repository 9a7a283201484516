import stat
import subprocess
from pathlib import Path

import pytest

from infra.local.credentials import client_environment, load_keys, write_for_users
from infra.local.paths import LocalPaths


@pytest.fixture
def paths(tmp_path: Path) -> LocalPaths:
    return LocalPaths(state=tmp_path, ports={"prefect": 4200, "reports": 4201, "s3": 9000})


def test_keep_keys_second_time_are_the_same(paths):
    assert load_keys(paths) == load_keys(paths)


def test_keep_keys_of_two_machines_differ(paths, tmp_path):
    (tmp_path / "other").mkdir()
    mine, theirs = load_keys(paths), load_keys(LocalPaths(tmp_path / "other", paths.ports))
    assert {mine.login, mine.s3_key, mine.s3_secret}.isdisjoint({theirs.login, theirs.s3_key, theirs.s3_secret})


def test_keep_keys_do_not_show_when_printed(paths):
    keys = load_keys(paths)
    assert keys.s3_secret not in f"{keys} {keys!r}"


def test_written_files_are_readable_by_their_owner_alone(paths):
    paths.env_file.touch(mode=0o644)  # of an earlier time, when someone was careless
    write_for_users(paths, load_keys(paths))
    for path in (paths.keys_file, paths.env_file, paths.login_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not list(paths.state.glob("*.new"))


def test_env_file_sourced_by_a_shell_gives_what_clients_need(paths):
    keys = load_keys(paths)
    write_for_users(paths, keys)
    done = subprocess.run(
        ["sh", "-c", f"set -a; . {paths.env_file}; set +a; env"], capture_output=True, text=True, check=True, env={}
    )
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    expected = client_environment(paths, keys)
    assert {name: found.get(name) for name in expected} == expected
    assert paths.login_file.read_text() == f"{found['PREFECT_API_AUTH_STRING']}\n"


@pytest.mark.parametrize(("before", "after"), [({}, "127.0.0.1"), ({"no_proxy": "corp"}, "corp,127.0.0.1")])
def test_env_file_reaches_the_servers_past_a_proxy(paths, before, after):
    write_for_users(paths, load_keys(paths))
    done = subprocess.run(
        ["sh", "-c", f"set -a; . {paths.env_file}; set +a; env"],
        capture_output=True,
        text=True,
        check=True,
        env=before,
    )
    assert f"no_proxy={after}" in done.stdout.splitlines()
