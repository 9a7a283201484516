"""The student whose answers the judge reads."""

import json
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.artifacts.store import Store, open_store
from stillhouse.data.turns import write_rows
from stillhouse.evaluation.evidence import VALIDATION, write_answers
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks.balance import Rows
from tasks.orchestration.run import Run
from tasks.reporting.best_student import best_student
from tests.support.builders import make_recipe_fields, make_row

NAMES = ("student", "student_2", "student_3")


def put(store: Store, stage: str, files: dict[str, Any]) -> Built[EvaluateSummary]:
    """An artifact with these files, each written by its function."""
    with store.workspace(stage, 1, stage, {}, {}) as work:
        for name, write in files.items():
            write(work.folder / name)
        work.commit({})
    # a summary keeps what others note: the labels are what `validate` found
    summary = EvaluateSummary.model_validate({"models": (), "rows": 1, "labels": ("card", "loan")})
    return Built(stage, ArtifactRef(stage=stage, fingerprint=stage), summary, 1.0, False)


def answers_of(role: str, num_right: int) -> Any:
    lines = [
        {"model": role, "row_id": f"v{n}", "answer": "card" if n < num_right else "loan", "text": ""} for n in range(4)
    ]
    return lambda path: write_answers(path, lines)


@pytest.mark.parametrize(
    ("right", "expected"),
    [((2, 3, 1), "student_2"), ((3, 3, 1), "student"), ((0, 1, 4), "student_3"), ((2, None, None), "student")],
    ids=str,
)
def test_best_student_is_the_one_with_the_most_right_on_validation(
    right: tuple[int | None, ...], expected: str, settings: Settings
):
    store = open_store(settings.store)
    rows = [make_row(f"v{n}") for n in range(4)]
    split = put(store, "split", {"validation.parquet": lambda path: write_rows(path, rows)})
    kept = [{"id": f"v{n}", "completion": [{"content": "card"}]} for n in range(4)]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    dataset = put(store, "filter", {"validation.jsonl": lambda path: path.write_text(text)})
    # the last student is an encoder, which answers in a stage of its own
    found = [
        put(store, f"evaluate-{name}", {VALIDATION: answers_of(name, number)})
        for name, number in zip(NAMES, right, strict=True)
        if number is not None
    ]
    run = Run(parse_recipe(make_recipe_fields()), settings, frozenset(), id="r")
    given = Rows(valid=split, splits=split, train=split)
    assert best_student(run, given, dataset, found) == expected
