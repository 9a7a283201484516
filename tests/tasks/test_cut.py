"""Which stages a student that is cut has, and what they are named by."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ModelError
from stillhouse.recipe.load import parse_recipe
from tasks.convert import load_student_bases
from tasks.initialise import initialise_student
from tests.support.builders import make_recipe_fields
from tests.support.dry_run import DryRun, dry_distill
from tests.support.model_folder import write_model_folder
from tests.support.stages import prepare_rows

LM = {"model": "owner/small", "layers": 4}


@pytest.fixture(autouse=True)
def _sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for role in ("train", "examples", "test"):
        (tmp_path / f"{role}.jsonl").write_text('{"text": "x", "label": "a"}\n')


def fields_of(*students: dict[str, Any], **training: Any) -> dict[str, Any]:
    columns = {"text": "text", "label": "label"}
    data = {role: {"path": f"{role}.jsonl", "columns": columns} for role in ("train", "examples", "test")}
    fields = make_recipe_fields({"model": "owner/teacher"}, data=data) | {"evaluation": {"encoder": None}}
    del fields["student"]
    return fields | {"students": list(students), "training": {"learning_rate": 1e-4, "precision": "float32"} | training}


def stages(*students: dict[str, Any], **training: Any) -> dict[str, str]:
    run: DryRun = dry_distill(parse_recipe(fields_of(*students, **training)))
    return {one.label: one.ref.fingerprint for one in run.built}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {label for label in before if before[label] != after[label]}


def test_cut_evenly_is_measured_and_names_no_other_stage():
    whole, cut = stages({"model": "owner/small"}), stages(LM)
    assert set(cut) - set(whole) == {"cut"}
    # a setting of the measurement alone
    assert changed(cut, stages(LM | {"cut": {"sample": 8}})) == {"cut"}


@pytest.mark.parametrize(
    "cut",
    [
        {"layers": "influence"},
        {"layers": "first"},
        {"feed_forward": 0.5},
        {"heads": 0.5},
        {"embeddings": "untied"},
        {"correction": {"steps": 5}},
    ],
)
def test_cut_by_measuring_names_the_student_before_and_after_training(cut: dict[str, Any]):
    even, measured = stages(LM), stages(LM | {"cut": cut})
    assert even.keys() == measured.keys()
    assert changed(even, measured) == {"cut", "initialise", "train", "train labelled-only", "evaluate"}


def test_cut_by_measuring_is_made_after_the_filters_and_before_the_untrained_student():
    run = dry_distill(parse_recipe(fields_of(LM | {"cut": {"layers": "influence"}})))
    labels = [one.label for one in run.built]
    assert labels.index("filter") < labels.index("cut") < labels.index("initialise") < labels.index("train")


def test_cut_of_another_base_is_another_student():
    ours = stages(LM | {"cut": {"feed_forward": 0.5}})
    theirs = stages(LM | {"cut": {"feed_forward": 0.5}, "model": "owner/other"})
    assert {"cut", "initialise", "train"} <= changed(ours, theirs)


def test_cut_depends_on_the_training_only_where_the_base_is_corrected():
    cut = LM | {"cut": {"feed_forward": 0.5}}
    assert "cut" not in changed(stages(cut), stages(cut, batch_size=4))
    corrected = LM | {"cut": {"feed_forward": 0.5, "correction": {"steps": 5}}}
    assert "cut" in changed(stages(corrected), stages(corrected, batch_size=4))
    # the student's own epochs are none of the correction's
    assert "cut" not in changed(stages(corrected), stages(corrected, epochs=4))


def test_cut_each_of_several_students_has_its_own():
    found = stages(LM, LM | {"name": "thin", "cut": {"feed_forward": 0.5}}, {"model": "owner/small", "name": "whole"})
    assert {"cut", "cut thin"} <= found.keys()
    assert "cut whole" not in found


@pytest.mark.parametrize("layers", [0, 3])
def test_cut_that_does_not_fit_is_refused_before_a_teacher_is_paid(tmp_path: Path, layers: int):
    base = write_model_folder(tmp_path / "base", "{% for m in messages %}{{ m.content }}{% endfor %}")
    student = {"model": str(base), "layers": layers, "cut": {"heads": 0.99}}
    run = DryRun(parse_recipe(fields_of(student)), dry_distill(parse_recipe(fields_of(LM))).settings, frozenset(), "x")
    with pytest.raises(ModelError, match=r"student\.(layers|cut)"):
        initialise_student(run, load_student_bases(run), prepare_rows(run))
