"""A check of a model that passed is made again only for other files, another question or other code."""

import os
from pathlib import Path

import pytest

from stillhouse.errors import ModelError
from stillhouse.runtime.settings import Settings, load_settings
from tasks.orchestration import passed_checks
from tasks.orchestration.passed_checks import check_once, folder_state


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"STILLHOUSE_WORK": str(tmp_path / "work")})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "inner" / "config.json").write_text("{}")
    return folder


def times_checked(settings: Settings, *looked_at: object) -> int:
    made: list[object] = []
    for one in looked_at:
        check_once(settings, one, lambda: made.append(1))
    return len(made)


def test_check_that_passed_is_not_made_again(settings, model):
    seen = ["encoder", folder_state(str(model))]
    assert times_checked(settings, seen, seen, ["encoder", folder_state(str(model))]) == 1


def test_check_of_something_else_is_made(settings, model):
    state = folder_state(str(model))
    assert times_checked(settings, ["encoder", state], ["memory", state]) == 2


def test_check_that_raises_is_made_again(settings):
    def refuse() -> None:
        raise ModelError("broken")

    for _ in range(2):
        with pytest.raises(ModelError, match="broken"):
            check_once(settings, ["encoder"], refuse)


@pytest.mark.parametrize("change", ["content", "same size and time", "another file", "gone"])
def test_folder_state_shows_every_change_of_files(model, change):
    before, file = folder_state(str(model)), model / "inner" / "config.json"
    if change == "content":
        file.write_text("[1, 2]")
    elif change == "same size and time":
        old = file.stat()
        file.write_text("[]")
        os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))
    elif change == "another file":
        (model / "tokenizer.json").write_text("{}")
    else:
        file.unlink()
    assert folder_state(str(model)) != before


def test_check_is_made_again_by_other_code(settings, monkeypatch):
    assert times_checked(settings, ["encoder"]) == 1
    monkeypatch.setattr(passed_checks, "_code", lambda: ["other"])
    assert times_checked(settings, ["encoder"]) == 1


def test_note_that_cannot_be_kept_costs_no_run(settings):
    settings.work.mkdir()
    settings.passed_checks.write_text("a file in the folder's place")
    assert times_checked(settings, ["encoder"], ["encoder"]) == 2
