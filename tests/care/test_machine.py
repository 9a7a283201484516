"""What of this machine's work folder goes, and what never does."""

import os
import time
from pathlib import Path

import pytest

from stillhouse.care.machine import delete_leftovers, leftovers
from stillhouse.runtime.locks import host_lock

DAY_S = 24 * 3600.0
ONE, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder of a month ago, with all that runs leave there."""
    for name in (
        f"checkpoints/{ONE}/checkpoint-50/model.safetensors",
        f"checkpoints/{OTHER}/checkpoint-50/model.safetensors",
        f"building/{ONE}.lock",
        f"building/{OTHER}.lock",
        "traces/students.worker-1.log",
        f"fitting-templates/{ONE}",
        "cache/unstored/store/teacher/paid.jsonl",
        "cache/artifacts/train/x/y/weights",
        "device.lock",
    ):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(10))
    for path in (tmp_path / "work").rglob("*"):
        os.utime(path, (time.time() - 30 * DAY_S,) * 2)
    return tmp_path / "work"


def left(work: Path) -> set[str]:
    return {path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file()}


def days_ago(days: float) -> float:
    return time.time() - days * DAY_S


def test_leftovers_are_what_is_old_and_paid_answers_never(work: Path) -> None:
    assert leftovers(work, days_ago(31)) == []
    (work / "checkpoints" / OTHER / "checkpoint-100").mkdir()  # training went on today
    found = leftovers(work, days_ago(7))
    assert [one.kind for one in found] == ["checkpoints", "building", "building", "traces", "fitting-templates"]
    assert found[0].size_bytes >= 10
    delete_leftovers(work, found)
    assert left(work) == {
        f"checkpoints/{OTHER}/checkpoint-50/model.safetensors",
        "cache/unstored/store/teacher/paid.jsonl",
        "cache/artifacts/train/x/y/weights",
        "device.lock",
    }


@pytest.mark.parametrize("taken", ["before", "after"])
def test_leftovers_of_an_artifact_that_is_being_built_stay(work: Path, taken: str) -> None:
    before = leftovers(work, days_ago(7))
    with host_lock(work / "building" / f"{ONE}.lock"):
        found = leftovers(work, days_ago(7)) if taken == "before" else before
        assert any(ONE in one.name and one.kind == "checkpoints" for one in found) == (taken == "after")
        delete_leftovers(work, found)
        assert {f"checkpoints/{ONE}/checkpoint-50/model.safetensors", f"building/{ONE}.lock"} < left(work)
    assert not [name for name in left(work) if OTHER in name]


def test_leftovers_of_a_machine_without_runs_are_none(tmp_path: Path) -> None:
    assert leftovers(tmp_path / "work", time.time()) == []
