import logging
from pathlib import Path

import pytest

from stillhouse.errors import DataError, RecipeError, StoreError
from stillhouse.repository import ROOT
from stillhouse.runtime.log_filter import WithoutTraceback, hide_user_tracebacks
from stillhouse.runtime.settings import load_settings


def test_load_settings_defaults_lie_in_the_repository():
    settings = load_settings({})
    assert settings.store.url == str(ROOT / ".stillhouse" / "store")
    assert settings.engine_python == ROOT / ".venv" / "engine" / "bin" / "python"
    assert settings.device_lock.parent == settings.work == ROOT / ".stillhouse" / "work"
    assert (settings.stall_timeout_s, settings.stage_timeout_s) == (900.0, 86_400.0)
    assert settings.storage_options is None


def test_load_settings_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings(
        {
            "STILLHOUSE_STORE": "s3://bucket/prefix",
            "STILLHOUSE_WORK": "work",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
            "STILLHOUSE_STALL_TIMEOUT": "5",
            "STILLHOUSE_STAGE_TIMEOUT": "60",
            "STILLHOUSE_STORE_TIMEOUT": "2.5",
            "STILLHOUSE_STORE_PATIENCE": "7",
        }
    )
    assert settings.store.url == "s3://bucket/prefix"
    assert settings.work == tmp_path / "work"
    assert settings.storage_options == {"endpoint_url": "http://127.0.0.1:9000"}
    assert (settings.stall_timeout_s, settings.stage_timeout_s) == (5.0, 60.0)
    assert (settings.store.timeout_s, settings.store.patience_s) == (2.5, 7.0)


def test_load_settings_s3_endpoint_comes_first():
    both = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2"}
    assert load_settings(both).store.endpoint_url == "http://127.0.0.1:2"


def test_load_settings_relative_store_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings({"STILLHOUSE_STORE": "store"}).store.url == str(tmp_path / "store")


@pytest.mark.parametrize(
    "name",
    [f"STILLHOUSE_{name}" for name in ("STALL_TIMEOUT", "STAGE_TIMEOUT", "STORE_TIMEOUT", "STORE_PATIENCE")],
)
@pytest.mark.parametrize("value", ["soon", "nan", "-1", "0"])
def test_load_settings_bad_number_names_variable_and_value(name: str, value: str):
    with pytest.raises(RecipeError, match=rf"{name} is '{value}'"):
        load_settings({name: value})


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "head.cluster:6379", "[::1]:6379", ""])
def test_load_settings_ray_address_is_kept(address: str):
    assert load_settings({"STILLHOUSE_RAY_ADDRESS": address}).ray_address == address


@pytest.mark.parametrize("address", ["auto", "10.0.0.5", "ray://10.0.0.5:10001", "10.0.0.5:6379/x", "head:port"])
def test_load_settings_malformed_ray_address_is_refused(address: str):
    with pytest.raises(RecipeError, match=f"STILLHOUSE_RAY_ADDRESS is '{address}'.*host:port"):
        load_settings({"STILLHOUSE_RAY_ADDRESS": address})


def test_load_settings_engine_python_link_is_not_resolved(tmp_path: Path):
    (tmp_path / "base").touch()
    (tmp_path / "python").symlink_to(tmp_path / "base")
    assert load_settings({"STILLHOUSE_ENGINE_PYTHON": str(tmp_path / "python")}).engine_python == tmp_path / "python"


def test_report_link_with_report_url_is_the_browsers_address():
    places = {"STILLHOUSE_STORE": "s3://bucket/prefix"}
    assert load_settings(places).report_link("r1") == "s3://bucket/prefix/runs/r1/report.html"
    served = load_settings({**places, "STILLHOUSE_REPORT_URL": "http://127.0.0.1:4201/"})
    assert served.report_link("r1") == "http://127.0.0.1:4201/r1/report.html"
    assert load_settings({"STILLHOUSE_STORE": "/store"}).report_link("r1") == "file:///store/runs/r1/report.html"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STILLHOUSE_STORE", "s3://key:hunter2@bucket/prefix"),
        ("STILLHOUSE_STORE", "https://user:hunter2@host/store"),
        ("AWS_ENDPOINT_URL", "http://user:hunter2@host:9000"),
        ("AWS_ENDPOINT_URL_S3", "user:hunter2@host:9000"),
    ],
)
def test_load_settings_password_in_address_is_refused_unrepeated(name: str, value: str):
    with pytest.raises(StoreError, match=r"without keys|not supported") as caught:
        load_settings({"STILLHOUSE_STORE": "s3://bucket/prefix", name: value})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_load_settings_kms_key_goes_with_encryption_by_kms():
    kms = {"STILLHOUSE_STORE": "s3://b/p", "STILLHOUSE_STORE_KMS_KEY": "key-1"}
    assert load_settings({**kms, "STILLHOUSE_STORE_ENCRYPTION": "aws:kms"}).store.kms_key_id == "key-1"
    for encryption in ({}, {"STILLHOUSE_STORE_ENCRYPTION": "AES256"}):
        with pytest.raises(StoreError, match="needs STILLHOUSE_STORE_ENCRYPTION=aws:kms"):
            load_settings(kms | encryption)


def test_load_settings_holds_no_secret():
    secrets = {"AWS_SECRET_ACCESS_KEY": "s3cret-1", "AWS_ACCESS_KEY_ID": "s3cret-2", "OPENAI_API_KEY": "s3cret-3"}
    assert "s3cret" not in load_settings(secrets).model_dump_json()


@pytest.mark.parametrize(("error", "shown"), [(DataError("no rows"), False), (ValueError("a fault"), True)])
def test_hide_user_tracebacks_hides_user_errors_only(error, shown, caplog):
    hide_user_tracebacks()
    hide_user_tracebacks()
    logger = logging.getLogger("prefect.task_runs")
    # Prefect has filters of its own there
    assert sum(isinstance(one, WithoutTraceback) for one in logger.filters) == 1
    caplog.handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(caplog.handler)
    try:
        raise error
    except type(error):
        logger.exception("the run failed")
    finally:
        logger.removeHandler(caplog.handler)
    assert "the run failed" in caplog.text
    assert ("Traceback" in caplog.text) is shown
