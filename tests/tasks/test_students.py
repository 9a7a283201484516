"""Several students of one recipe: which stages each has, and what they are named by."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.costs.ledger import in_report_order
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields
from tests.support.dry_run import DryRun, dry_distill
from tests.support.model_folder import write_model_folder

LM = {"model": "owner/small"}
ENCODER = {"kind": "encoder", "model": "owner/bert"}
API = {"model": "gpt-a", "accept_terms": "openai", "endpoint": {"provider": "openai", "base_url": "http://127.0.0.1:9"}}


@pytest.fixture(autouse=True)
def _sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    for role in ("train", "examples", "test"):
        (tmp_path / f"{role}.jsonl").write_text('{"text": "x", "label": "a"}\n')


def run_of(*students: dict[str, Any], teacher: dict[str, Any] | None = None, **more: Any) -> DryRun:
    columns = {"text": "text", "label": "label"}
    data = {role: {"path": f"{role}.jsonl", "columns": columns} for role in ("train", "examples", "test")}
    data["train"] = {"path": "train.jsonl", "columns": {"text": "text"}}
    fields = make_recipe_fields(teacher or {"model": "owner/teacher"}, data=data) | more
    del fields["student"]
    if teacher:
        fields["teachers"] = [teacher]
    fields["evaluation"] = {"encoder": None}
    return dry_distill(parse_recipe(fields | {"students": list(students)}))


def stages(run: DryRun) -> dict[str, str]:
    return {one.label: one.ref.fingerprint for one in run.built}


def test_students_another_one_changes_no_stage_of_the_first():
    alone, both = stages(run_of(LM)), stages(run_of(LM, ENCODER))
    assert {label: both[label] for label in alone} == alone
    assert set(both) - set(alone) == {"train bert", "evaluate_encoder student_2"}


def test_students_that_write_text_are_trained_and_measured_together():
    run = run_of(LM, LM | {"name": "slow", "training": {"learning_rate": 1e-5}}, LM | {"name": "thin", "layers": 2})
    found = stages(run)
    assert len({found[label] for label in ("train", "train slow", "train thin")}) == 3
    (evaluation,) = [one for one in run.built if one.label == "evaluate"]
    assert evaluation.ref.fingerprint != stages(run_of(LM))["evaluate"]
    # the main one's alone: what a teacher is worth is decided by it
    assert [label for label in found if label.startswith(("initialise", "train labelled"))] == [
        "initialise",
        "train labelled-only",
    ]


def test_students_an_encoder_in_front_has_every_comparison_of_its_own():
    found = stages(run_of(ENCODER))
    assert "initialise" not in found
    assert {"train_encoder untrained", "train", "train labelled-only"} <= set(found)
    measured = {label for label in found if label.startswith("evaluate_encoder")}
    assert measured == {
        f"evaluate_encoder {role}" for role in ("student", "baseline_untrained", "student_labelled_only")
    }


def test_students_encoders_of_a_teacher_behind_an_api_need_no_engine():
    found = stages(run_of(ENCODER, teacher=API))
    assert "evaluate_teacher" in found
    assert "evaluate" not in found


def test_students_training_and_measuring_of_each_is_paid():
    lines = [line.stage for line in in_report_order(run_of(LM, ENCODER).ledger)]
    assert lines == [
        "generate",
        "train",
        "train bert",
        "train labelled-only",
        "evaluate_encoder student_2",
        "evaluate",
    ]


@pytest.mark.parametrize(
    ("change", "trains_again"),
    [
        ({"encoder": {"method": "linear"}}, True),
        ({"encoder": {"label_texts": False}}, True),
        ({"training": {"seed": 5}}, True),
        ({"licence": "MIT"}, False),
        ({"name": "other"}, False),
    ],
)
def test_students_what_an_encoder_learns_names_it(change: dict[str, Any], trains_again: bool):
    def trained(student: dict[str, Any]) -> set[str]:
        return {one.ref.fingerprint for one in run_of(LM, student).built if one.ref.stage == "train_encoder"}

    assert (trained(ENCODER) != trained(ENCODER | change)) is trains_again


@pytest.mark.parametrize("kind", ["hidden_states", "attention"])
@pytest.mark.parametrize("cut", [{}, {"cut": {"layers": "first"}}], ids=["even", "first"])
def test_students_that_learn_layers_of_their_base_need_no_teachers_weights(kind: str, cut: dict[str, Any]):
    def trained(training: dict[str, Any], model: str = "owner/small") -> str:
        student = LM | {"model": model, "layers": 2, "training": training} | cut
        return stages(run_of(student, teacher=API))["train"]

    base = {"kind": kind, kind: {"source": "base"}}
    assert trained(base) not in {trained({}), trained(base, "owner/other")}


def test_students_soft_labels_of_one_change_the_rows_of_all():
    plain = stages(run_of(LM, ENCODER))
    soft = stages(run_of(LM, ENCODER | {"training": {"soft_labels": {"weight": 0.5}}}))
    assert plain["filter"] != soft["filter"]
    assert plain["generate"] == soft["generate"]


def test_encoder_student_how_its_folder_pools_is_identity(tmp_path: Path):
    folder = write_model_folder(tmp_path / "bert")
    student = {"kind": "encoder", "model": str(folder)}

    def made() -> set[str]:
        return {one.ref.fingerprint for one in run_of(LM, student).built if one.ref.stage == "train_encoder"}

    before = made()
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    assert made() == before  # what a folder without a word means
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert not made() & before
