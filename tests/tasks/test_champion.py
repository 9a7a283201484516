"""The champion beside the student: measured once, asked once, and shown as what it is."""

from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.artifacts.store import Store
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.reports.build import build_report
from stillhouse.reports.champion import champion_text
from stillhouse.reports.collect import model_blocks
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.entries import entries
from stillhouse.reports.schema.report import Report
from stillhouse.runtime.settings import Settings
from tasks.orchestration.candidates import student_candidates
from tasks.orchestration.champion import find_champion
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase, StudentModel
from tests.support.builders import make_recipe_fields, make_row
from tests.support.registry import content, report

SKILL = {"skill": {"kind": "classification"}}


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run(parse_recipe(make_recipe_fields() | {"name": "demo"}), settings, frozenset(), "demo-x")


def put_champion(store: Store, mark: str = "a", **changes: Any) -> None:
    """Store a student and make it the champion."""
    ref = ArtifactRef(stage="train", fingerprint=mark * 64)
    with store.workspace(ref.stage, 2, ref.fingerprint, {}, {}) as work:
        (work.folder / "model.safetensors").write_bytes(b"weights")
        work.commit({})
    registry = ModelRegistry(store)
    version = registry.register(content(mark, **({"recipe": SKILL} | changes)), who="x")
    registry.promote("demo", version.version, who="x", why="y")


def students(run: Run, *refs: ArtifactRef) -> list[StudentModel]:
    roles = (ModelRole.STUDENT, ModelRole.STUDENT_2)
    base = StudentBase(ModelRole.STUDENT, run.recipe.main_student, None)  # type: ignore[arg-type]  # not looked at
    return [
        StudentModel(role, base, Built("train", ref, StageSummary(), 1.0, is_cached=False))
        for role, ref in zip(roles, refs, strict=False)
    ]


def ref_of(mark: str) -> ArtifactRef:
    return ArtifactRef(stage="train", fingerprint=mark * 64)


def test_find_champion_none_yet_measures_nothing_and_says_nothing(run: Run):
    found = find_champion(run, students(run, ref_of("a")))
    assert (found.version, found.models, found.not_measured) == (None, [], {})


@pytest.mark.parametrize(("kind", "is_encoder"), [("causal_lm", False), ("encoder", True)])
def test_find_champion_another_student_is_measured_beside_the_runs_own(run: Run, kind: str, *, is_encoder: bool):
    put_champion(run.store, kind=kind)
    (model,) = find_champion(run, students(run, ref_of("b"))).models
    assert (model.role, model.ref, model.is_encoder) == (ModelRole.CHAMPION, ref_of("a"), is_encoder)


def test_find_champion_that_is_a_student_of_the_run_is_not_measured_twice(run: Run):
    put_champion(run.store)
    found = find_champion(run, students(run, ref_of("b"), ref_of("a")))
    assert (found.same_as, found.models) == (ModelRole.STUDENT_2, [])


def test_find_champion_that_cannot_answer_says_why_and_the_run_goes_on(run: Run):
    put_champion(run.store, recipe={"skill": {"kind": "qa"}})
    found = find_champion(run, students(run, ref_of("b")))
    assert (found.models, found.not_measured) == ([], {"champion": "demo/1 was trained for the skill qa"})
    put_champion(run.store, "c")
    run.store.delete(f"artifacts/train/{'c' * 64}")
    found = find_champion(run, students(run, ref_of("b")))
    assert found.not_measured == {"champion": "the store lacks the weights of demo/2, or they are damaged"}


def test_champion_is_asked_as_it_was_as_a_student_so_its_answers_are_found(run: Run):
    base = StudentBase(
        ModelRole.STUDENT, run.recipe.main_student, Checkpoint(model=Model(kind="hub", path="x"), path="x")
    )
    asked = student_candidates(run.recipe, base, {ModelRole.STUDENT: "a", ModelRole.CHAMPION: "a"})
    _, as_student, as_champion = asked
    assert as_champion == as_student.model_copy(update={"role": ModelRole.CHAMPION})


ANSWERS = {
    ModelRole.TEACHER: list("aabb"),
    ModelRole.STUDENT: list("aabb"),
    ModelRole.STUDENT_2: list("aaab"),
}


def shown(answers: dict[ModelRole, list[str | None]], same_as: ModelRole | None = None) -> Report:
    """Return the report of a run on four rows with a champion, demo/1."""
    recipe = parse_recipe(make_recipe_fields(evaluation={"metrics": ["accuracy"], "resamples": 100}))
    rows = [make_row(str(place), label) for place, label in enumerate("aabb")]
    evidence = Evidence(rows, ("a", "b"), answers, {role: {"parameters": 7} for role in answers})
    if same_as:
        evidence = evidence.with_same(ModelRole.CHAMPION, same_as)
    measured = model_blocks(evidence, {ModelRole.CHAMPION: "demo/1"}, recipe)
    if same_as:
        measured[ModelRole.CHAMPION]["which"] = same_as
    comparison, _ = comparison_block(evidence, measured, recipe, ModelRole.STUDENT)
    models = {**dict.fromkeys(("teacher", "student", "baseline")), **measured}
    plain = report().model_dump(mode="json", by_alias=True)
    return build_report(**{**plain, "models": models, "comparison": comparison})


def test_report_compares_the_student_with_the_champion_on_the_same_rows():
    found = shown({**ANSWERS, ModelRole.CHAMPION: list("abab")})
    assert found.comparison.gain_over["champion"].value == 0.5
    assert found.models.champion is not None
    assert (found.models.champion.name, found.models.champion.which) == ("demo/1", None)
    assert "The champion, demo/1, reaches accuracy 0.500 on these rows; the student 1.000, a difference of +0.500" in (
        champion_text(found)
    )
    assert ModelRole.CHAMPION in [one.role for one in entries(found)]


def test_report_champion_that_is_the_student_is_named_and_no_entry_of_its_own():
    found = shown(ANSWERS, ModelRole.STUDENT)
    assert found.models.champion is not None
    assert (found.models.champion.which, found.models.champion.parameters) == ("student", 7)
    assert found.comparison.gain_over["champion"].value == 0
    assert champion_text(found) == "The student is the champion, demo/1."
    assert ModelRole.CHAMPION not in [one.role for one in entries(found)]


def test_report_champion_that_is_another_student_is_compared_by_that_ones_answers():
    found = shown(ANSWERS, ModelRole.STUDENT_2)
    assert found.comparison.gain_over["champion"].value == found.comparison.gain_over["student_2"].value == 0.25
