"""Past runs by their reports: which run a name means, a run in a line, and what differs between two."""

import copy
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import StoreError
from stillhouse.reports.build import build_report, report_json
from stillhouse.reports.history import find_run, read_report, run_ids
from stillhouse.reports.run_difference import difference
from stillhouse.reports.run_lines import HEADER, run_line

OLD, NEW, OTHER = "zebra-20250603-091422-0a1b2c3d", "abc-20261128-101500-3f2a9c10", "abc-20261128-101500-4f2a9c10"


@pytest.fixture
def store(tmp_path: Path, blocks: dict[str, Any]) -> Store:
    found = Store(StoreConfig(url=str(tmp_path / "store")))
    for run_id in (OLD, NEW, OTHER):
        found.put_text(f"runs/{run_id}/report.json", report_json(build_report(**{**blocks, "run_id": run_id})))
        found.put_text(f"runs/{run_id}/report.html", "")
    # a run that a kill ended has no report
    found.put_text("runs/killed-20271128-101500-3f2a9c10/recipe.yaml", "")
    return found


def test_run_ids_are_of_finished_runs_the_newest_first(store: Store) -> None:
    assert run_ids(store) == [OTHER, NEW, OLD]


def test_find_run_takes_an_id_the_beginning_of_one_or_the_last(store: Store) -> None:
    assert [find_run(store, name) for name in (OLD, "zeb", "abc-20261128-101500-3", "last")] == [OLD, OLD, NEW, OTHER]


@pytest.mark.parametrize(
    ("name", "says"),
    [("abc", "'abc' is the beginning of 2 runs"), ("zebar-2025", f"holds no run 'zebar-2025'. It has {OLD}")],
)
def test_find_run_of_no_or_several_names_what_there_is(store: Store, name: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        find_run(store, name)


def test_find_run_of_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no finished run\. Run a recipe first, or set STILLHOUSE_STORE"):
        find_run(Store(StoreConfig(url=str(tmp_path / "none"))), "last")


def test_read_report_half_a_file_is_no_report(store: Store) -> None:
    store.put_text(f"runs/{NEW}/report.json", '{"run_id"')
    with pytest.raises(StoreError, match="is no JSON"):
        read_report(store, NEW)


def test_run_line_is_the_students_and_the_teachers_quality(store: Store) -> None:
    line = dict(zip(HEADER, run_line(read_report(store, NEW)), strict=True))
    report = read_report(store, NEW)
    metric = report["comparison"]["primary_metric"]
    assert line["run"] == NEW
    assert line["student"].startswith(f"{report['models']['student']['quality'][metric]['value']:.3f} [")
    assert line["gate"] == "passed"


def test_run_line_of_a_report_that_an_earlier_version_wrote(store: Store) -> None:
    report = read_report(store, NEW)
    del report["comparison"]["student"], report["provenance"], report["gate"]
    assert run_line(report)[3] == run_line(read_report(store, NEW))[3]


def test_difference_names_recipe_fields_stages_and_qualities(store: Store) -> None:
    first, second = read_report(store, NEW), read_report(store, OTHER)
    first["recipe"] = {
        "name": "a",
        "training": {"epochs": 1},
        "teachers": [{"model": "x", "stop": []}],
        "labels": ["a"],
    }
    second["recipe"] = copy.deepcopy(first["recipe"]) | {"labels": ["a", "b"], "seed": 3}
    second["recipe"]["teachers"][0]["model"] = "y: z"
    first["stages"] = {"split": {"fingerprint": "a" * 64}, "train": {"fingerprint": "b" * 64}}
    second["stages"] = {
        "split": {"fingerprint": "a" * 64},
        "train": {"fingerprint": "c" * 64},
        "new": {"fingerprint": None},
    }
    second["models"]["teacher"] = None
    found = difference(first, second)
    assert found.recipe == [("teachers.0.model", "x", "'y: z'"), ("labels", "[a]", "[a, b]"), ("seed", "–", "3")]
    assert found.stages == [("train", "b" * 12, "c" * 12)]
    assert found.has_same_rows
    assert ("Teacher", run_line(first)[4], "not measured") in found.qualities
    assert found.qualities[0][0] == "Student"


def test_difference_of_other_test_rows_says_so(store: Store) -> None:
    first, second = read_report(store, NEW), read_report(store, OTHER)
    first["stages"], second["stages"] = {"split": {"fingerprint": "a"}}, {"split": {"fingerprint": "b"}}
    assert not difference(first, second).has_same_rows
    first["stages"] = second["stages"] = {}
    assert not difference(first, second).has_same_rows
