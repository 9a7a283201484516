"""A run's students against its teachers, before a teacher is asked."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from stillhouse.errors import ModelError
from stillhouse.recipe import training
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.compatibility import check_compatibility, named_compatibility
from tasks.orchestration.model_memory import named_teachers
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.student_models import StudentBase, roles_of
from tests.support.compared_models import write_compared


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    student = write_compared(tmp_path / "student", numbers=90)
    teacher = write_compared(tmp_path / "teacher", words="sentencepiece", numbers=30)
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    recipe = parse_recipe(
        {
            "name": "r",
            "skill": {"kind": "qa"},
            "data": {"train": {"path": str(tmp_path / "rows.jsonl"), "columns": {"text": "text"}}},
            "teachers": [{"model": teacher}],
            "student": {"model": student, "name": "pupil"},
        }
    )
    return SimpleNamespace(recipe=recipe, settings=load_settings())


def bases_of(run: SimpleNamespace) -> list[StudentBase]:
    return [
        StudentBase(role, student, find_checkpoint(student.model, student.revision, run.settings))
        for role, student in roles_of(run.recipe)
    ]


def test_check_compatibility_method_by_tokens_other_tokenizer_is_one_line(run, monkeypatch):
    monkeypatch.setattr(training, "BY_TOKENS", frozenset({"sft"}))
    with pytest.raises(ModelError, match=r"pupil: training\.kind: sft compares it with teacher teacher") as error:
        check_compatibility(run, bases_of(run), named_teachers(run))
    assert "\n" not in str(error.value)


def test_check_compatibility_text_training_larger_student_warns_and_goes_on(run, caplog):
    with caplog.at_level(logging.WARNING, "stillhouse"):
        check_compatibility(run, bases_of(run), named_teachers(run))
    assert "student pupil: the student has 90 parameters, more than teacher teacher with 30" in caplog.text


def test_named_compatibility_names_every_pair(run):
    (found,) = named_compatibility(run, named_teachers(run))
    assert (found.student.name, found.teacher.name, found.vocabularies) == ("pupil", "teacher", "differ")
