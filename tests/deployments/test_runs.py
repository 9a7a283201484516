"""`stillhouse runs` in this process: what a user sees of past runs."""

import json
from pathlib import Path

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import StoreError
from tests.support.command import shown

OLD, NEW = "support-20250603-091422-0a1b2c3d", "support-20261128-101500-3f2a9c10"
QUALITY = {"accuracy": {"value": 0.75, "low": 0.7, "high": 0.8, "n": 400}}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")
    found = Store(StoreConfig(url=str(tmp_path / "store")))
    for epochs, run_id in enumerate((OLD, NEW), start=1):
        # of an earlier version: it lacks most of what a report has today
        report = {
            "run_id": run_id,
            "recipe": {"name": "support", "training": {"epochs": epochs}},
            "models": {"student": {"quality": QUALITY}, "teacher": None},
            "comparison": {"primary_metric": "accuracy", "quality_retained": None},
            "stages": {"split": {"fingerprint": "5" * 64}},
        }
        found.put_text(f"runs/{run_id}/report.json", json.dumps(report))
    return found


def test_runs_list_has_a_line_a_run_the_newest_first(store: Store) -> None:
    text = shown("runs", "list")
    assert text.index(NEW) < text.index(OLD)
    assert "0.750 [0.700, 0.800]" in text.replace("\u00a0", " ")
    assert "1 older ones: --most 2 shows all." in shown("runs", "list", "--most", "1")


def test_runs_list_json_can_be_read_by_programs(store: Store) -> None:
    lines = json.loads(shown("runs", "list", "--json"))
    assert [line["run"] for line in lines] == [NEW, OLD]
    assert lines[0]["gate"] == "no gate"


def test_runs_show_of_an_earlier_version_gives_its_line_and_its_page(store: Store) -> None:
    text = shown("runs", "show", "last")
    assert "0.750" in text
    assert f"Report: {store.config.url}/runs/{NEW}/report.html" in text
    assert json.loads(shown("runs", "show", "last", "--json"))["run_id"] == NEW


def test_runs_diff_names_what_was_changed(store: Store) -> None:
    text = shown("runs", "diff", OLD, "last")
    assert [line.split() for line in text.splitlines() if "training.epochs" in line] == [["training.epochs", "1", "2"]]
    assert "No stage differs." in text
    assert "measured on the same test rows" in text


def test_runs_of_an_unknown_name_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="holds no run 'sport'"):
        shown("runs", "show", "sport")
