from pathlib import Path

import pytest

from infra.local.paths import load_paths
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT


def test_load_paths_with_nothing_set_lie_in_the_clone():
    paths = load_paths({})
    assert paths.state == ROOT / ".stillhouse" / "local"
    assert (paths.ui_url, paths.s3_url) == ("http://127.0.0.1:4200", "http://127.0.0.1:9000")


def test_load_paths_settings_are_taken():
    paths = load_paths(
        {"STILLHOUSE_LOCAL": "/elsewhere", "STILLHOUSE_PREFECT_PORT": "4300", "STILLHOUSE_S3_PORT": "9100"}
    )
    assert paths.state == Path("/elsewhere")
    assert (paths.ui_url, paths.s3_url) == ("http://127.0.0.1:4300", "http://127.0.0.1:9100")


@pytest.mark.parametrize("port", ["http", "80", "70000", "-4200", "4200.0"])
@pytest.mark.parametrize("setting", ["STILLHOUSE_PREFECT_PORT", "STILLHOUSE_REPORTS_PORT", "STILLHOUSE_S3_PORT"])
def test_load_paths_what_is_no_port_is_refused_by_its_setting(setting, port):
    with pytest.raises(ServiceError, match=f"{setting} is '{port}'; it must be a port between"):
        load_paths({setting: port})


def test_load_paths_one_port_for_two_servers_is_refused():
    with pytest.raises(ServiceError, match="STILLHOUSE_PREFECT_PORT and STILLHOUSE_S3_PORT are both 4200"):
        load_paths({"STILLHOUSE_S3_PORT": "4200"})
