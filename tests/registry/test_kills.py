"""Promoters that are killed, two at once: one valid champion and a whole history. The command kills 200 times."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.registry_kills import faults_of, kill, opened
from tests.benchmarks.registry_promoters import Place, log_of, register


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_kills_leave_one_valid_champion_and_every_reported_move(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path) as place:
        assert kill(place, "demo", 6, seed=1) == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A model whose first version is the champion."""
    found = Place(str(tmp_path / "store"), tmp_path / "store", tmp_path)
    register(found, "demo")
    return found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"aliases": {"champion": 9}}, "the champion is 9, which is no version"),
        ({"aliases": {"champion": 2}}, "the history leads to {'champion': 1}"),
        ({"history": []}, "is not in the history"),
    ],
)
def test_faults_of_a_damaged_model_are_seen(place: Place, change: dict[str, object], fault: str) -> None:
    path = place.files / "models" / "demo" / "aliases.json"
    found = json.loads(path.read_text())
    log_of(place, "demo", 1).write_text(found["history"][0]["id"] + "\n")
    path.write_text(json.dumps(found | change))
    told = faults_of(place, "demo")
    assert (told == []) == (not fault)
    assert not fault or any(fault in one for one in told)
