"""Validation rows of a recipe's own, in what a student is trained on and chosen by."""

import pytest

from stillhouse.filters.settings import Filters
from stillhouse.skills.qa import Qa
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import build_dataset

OWN = {"source": "validation"}


@pytest.mark.parametrize("use_references", [True, False])
def test_write_dataset_own_validation_rows_keep_their_label(tmp_path, use_references):
    _, taught, lines = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b", "pet")],
        # ids are unique in their source alone: here a training row has the same
        validation=[make_row("a", "pet", **OWN)],
        answers=[make_completion_line("a", "car"), make_completion_line("b", "pet")],
        use_references=use_references,
    )
    assert taught["validation"] == {"a": "pet"}
    assert taught["train"] == {"a": "car", "b": "pet"}
    assert len(lines["validation"]) == 1
    assert taught["labelled"] == {"b": "pet"}


def test_write_dataset_own_validation_rows_of_free_answers_teach_their_reference(tmp_path):
    _, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("a")],
        validation=[make_row("v", "Ada Lovelace", "Lovelace", **OWN)],
        answers=[make_completion_line("a", "an answer")],
        skill=Qa(kind="qa"),
        labels=(),
    )
    assert taught["validation"] == {"v": "Ada Lovelace"}


def test_write_dataset_own_validation_row_is_not_judged_by_the_answer_to_another(tmp_path):
    own = [make_row("a", "pet", **OWN)]
    answered = {"train": [make_row("a")], "validation": own, "answers": [make_completion_line("a", "car")]}
    for check_labels in (False, True):
        folder = tmp_path / str(check_labels)
        folder.mkdir()
        summary, _, _ = build_dataset(folder, **answered, filters=Filters(check_labels=check_labels))
        assert summary.suspects is None


def test_write_dataset_own_validation_row_that_the_teacher_contradicts_is_named(tmp_path):
    summary, _, lines = build_dataset(
        tmp_path,
        train=[make_row("a")],
        validation=[make_row("v", "pet", **OWN)],
        answers=[make_completion_line("a", "car"), make_completion_line("v", "car")],
        filters=Filters(check_labels=True),
    )
    assert [(line["id"], line["source"]) for line in lines["suspects"]] == [("v", "validation")]
    assert summary.kept == 1
