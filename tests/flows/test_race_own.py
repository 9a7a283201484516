"""The recipe's own student in a race: trained on a half of the slice, and asked the validation rows alone."""

from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from stillhouse.racing.slices import read_gold
from stillhouse.recipe.contestants import contestant_recipe, contestants_of
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.preflight import start_run
from tasks.racing.own_students import train_own_students
from tasks.racing.teach import teach
from tests.support.api.server import serving
from tests.support.race import race_recipe, wrong_on
from tests.support.stages import prepare_rows
from tests.support.two_teachers import LABELS, TwoTeachers, scripted

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]


@flow(name="own", persist_result=False)
def own_answers(recipe: str) -> dict[str, Any]:
    with start_run(load_recipe(recipe), load_settings(), []) as run:
        (contestant,) = contestants_of(run.recipe)
        lesson = teach(run, contestant_recipe(run.recipe, contestant), prepare_rows(run), 24, 0)
        answers = train_own_students(run, lesson.taught, 1, 0, "students")
        folder = run.store.fetch(lesson.rows.drawn.ref)
        return {
            "answers": answers,
            "gold": [row["id"] for row in read_gold(folder, run.recipe.skill)],
            "labels": [built.label for built in run.built],
        }


def test_own_student_of_a_race_answers_each_labelled_validation_row(tmp_path: Path, tiny_model: Path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with serving(scripted(wrong_on(0.0))) as server:
        teachers = TwoTeachers(tmp_path, {"only": server})
        parts = {"student": {"model": str(tiny_model)}, "training": {"max_steps": 2, "batch_size": 4}}
        recipe = race_recipe(teachers, tmp_path, {"student": "own"}, "only", **parts)
        found = own_answers(recipe)
    (answers,) = found["answers"]
    assert len(answers) == len(found["gold"]) == 150
    assert set(answers) <= set(LABELS)
    assert all(one.startswith("validation") for one in found["gold"])
    assert "students, draw 1" in found["labels"]
