"""The untrained student from the store: its template was tried on the rows of another run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.data.turns import write_rows
from stillhouse.errors import ModelError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_student_bases
from tasks.initialise import initialise_student, try_students
from tests.support.builders import make_recipe_fields, make_row
from tests.support.dry_run import DryRun
from tests.support.model_folder import write_model_folder
from tests.support.stages import prepare_rows

PLAIN = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tool turn here') }}{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class _Folders(Store):
    """A store whose student and rows lie in given folders."""

    def fetch(self, ref: ArtifactRef) -> Path:
        return self.config.cache_dir / ref.stage


class _FromStore(DryRun):
    """A run that finds every stage in the store."""

    @property
    def store(self) -> Store:
        return _Folders(self.settings.store)

    def build(self, *given: Any, **named: Any) -> Any:
        return replace(super().build(*given, **named), is_cached=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _FromStore:
    monkeypatch.chdir(tmp_path)
    for name in ("rows.jsonl", "test.jsonl"):
        (tmp_path / name).write_text('{"text": "x", "label": "a"}\n')
    base = write_model_folder(tmp_path / "base", PLAIN)
    settings = load_settings()
    run = _FromStore(
        parse_recipe(make_recipe_fields({"model": str(base)}, student={"model": str(base)})),
        settings,
        frozenset(),
        id="x",
    )
    cache = settings.store.cache_dir
    write_model_folder(cache / "initialise", PLAIN)
    (cache / "balance").mkdir(parents=True)
    return run


@pytest.mark.parametrize("role", ["user", "tool"])
def test_initialise_student_from_the_store_is_tried_on_the_rows_of_this_run(run: _FromStore, role: str) -> None:
    row = make_row("a", "x")
    row["messages"] = [*row["messages"], {"role": role, "content": "It is sunny."}]
    write_rows(run.settings.store.cache_dir / "balance" / "train.parquet", [row])
    rows = prepare_rows(run)
    bases = load_student_bases(run)
    if role == "user":
        initialise_student(run, bases, rows)
        try_students(run, rows)
        return
    with pytest.raises(ModelError, match="no tool turn here"):
        initialise_student(run, bases, rows)
    with pytest.raises(ModelError, match="no tool turn here"):
        try_students(run, rows)


def test_initialise_student_is_tried_once_on_the_same_rows(run: _FromStore, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    monkeypatch.setattr("tasks.initialise.check_untrained", lambda folder, recipe, sample: tried.append(sample))
    bases, rows = load_student_bases(run), prepare_rows(run)
    for text in ("x", "x", "y", "x"):
        write_rows(run.settings.store.cache_dir / "balance" / "train.parquet", [make_row("a", text)])
        initialise_student(run, bases, rows)
    assert len(tried) == 2, "once on x, once on y"


def test_initialise_student_that_does_not_fit_is_tried_again(run: _FromStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ModelError("it does not fit")

    monkeypatch.setattr("tasks.initialise.check_untrained", refuse)
    write_rows(run.settings.store.cache_dir / "balance" / "train.parquet", [make_row("a", "x")])
    bases, rows = load_student_bases(run), prepare_rows(run)
    for _ in range(2):
        with pytest.raises(ModelError, match="it does not fit"):
            initialise_student(run, bases, rows)
