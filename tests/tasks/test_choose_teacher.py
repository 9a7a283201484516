"""The best of several teachers by their answers to the test rows."""

import json

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import open_store
from stillhouse.data.turns import write_rows
from stillhouse.evaluation.evidence import write_evidence
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks.choose_teacher import ChooseTeacherParams, ChooseTeacherSummary, choose_teacher
from tests.support.builders import make_recipe_fields, make_row

LABELS = ["card", "loan", "card", "loan"]


def put_split(settings: Settings) -> ArtifactRef:
    store, ref = open_store(settings.store), ArtifactRef(stage="split", fingerprint="s")
    with store.workspace("split", 1, "s", {}, {}) as work:
        write_rows(work.folder / "test.parquet", [make_row(f"t{n}", label) for n, label in enumerate(LABELS)])
        work.commit({})
    return ref


def put_answers(settings: Settings, name: str, answers: list[str | None]) -> ArtifactRef:
    store, ref = open_store(settings.store), ArtifactRef(stage="evaluate", fingerprint=name)
    lines = [{"model": "teacher", "row_id": f"t{n}", "answer": one, "text": one} for n, one in enumerate(answers)]
    with store.workspace("evaluate", 1, name, {}, {}) as work:
        write_evidence(work.folder, lines, {})
        work.commit({})
    return ref


def chosen(settings: Settings, *answers: list[str | None]) -> tuple[ChooseTeacherSummary, list[float]]:
    skill = parse_recipe(make_recipe_fields()).skill
    inputs = {f"answers_{n}": put_answers(settings, f"a{n}", given) for n, given in enumerate(answers)}
    inputs["split"] = put_split(settings)
    params = ChooseTeacherParams(skill=skill, labels=("card", "loan"), metric="accuracy")
    ref = ArtifactRef.model_validate(choose_teacher.task.fn(inputs, params, settings, "choose_teacher", False))
    store = open_store(settings.store)
    written = json.loads((store.fetch(ref) / "qualities.json").read_text())
    return ChooseTeacherSummary.model_validate(store.record(ref).summary), written


@pytest.mark.parametrize(
    ("answers", "best", "qualities"),
    [
        # by hand: the shares of four rows that are right
        ([["card"] * 4, LABELS, ["card", "loan", None, "x"]], 1, (0.5, 1.0, 0.5)),
        ([["loan", "card", "loan", "card"], ["card", "card", "card", "card"]], 1, (0.0, 0.5)),
        ([["card"] * 4, ["loan"] * 4], 0, (0.5, 0.5)),
        ([[None] * 4, [None, None, None, "loan"]], 1, (0.0, 0.25)),
        ([LABELS, *[["card"] * 4] * 10], 0, (1.0, *[0.5] * 10)),
    ],
    ids=["three", "two", "equal: the first", "unanswered", "eleven"],
)
def test_choose_teacher_is_the_one_with_the_most_right(settings: Settings, answers, best, qualities):
    summary, written = chosen(settings, *answers)
    assert (summary.best, summary.qualities) == (best, qualities)
    assert written == list(qualities)
