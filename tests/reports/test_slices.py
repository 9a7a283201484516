import json
from typing import Any

import pytest

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html
from stillhouse.reports.schema.models import Gain
from stillhouse.reports.slice_text import against_teacher, slice_rows, worst_slice
from stillhouse.reports.slices import closer_look
from stillhouse.reports.tables import summary_markdown
from tests.support.builders import make_recipe_fields


def closer(evaluation: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """The blocks of 80 rows: two labels, four lengths, three stores, and a student that fails one of these."""
    fields = make_recipe_fields(evaluation={"metrics": ["accuracy"], "resamples": 200, **(evaluation or {})})
    fields["data"] |= data or {}
    rows = [
        {
            "id": f"r{at}",
            "references": ["ab"[at % 2]],
            "messages": [{"role": "user", "content": "word " * (1 + at % 4)}],
            "meta": json.dumps({"store": ["north", "south", None][at % 3]}),
        }
        for at in range(80)
    ]
    truth = [row["references"][0] for row in rows]
    failed = [at for at in range(80) if at % 3 == 1][:20]
    student = ["x" if at in failed else label for at, label in enumerate(truth)]
    answers = {ModelRole.STUDENT: student, ModelRole.TEACHER: truth}
    return closer_look(Evidence(rows, ("a", "b"), answers, {}), parse_recipe(fields), ModelRole.STUDENT)


def test_closer_look_slices_by_label_length_and_named_columns() -> None:
    table = closer({"slices": ["store"]})["slices"]["table"]
    names = [(one["kind"], one["name"], one["student"]["n"]) for one in table]
    assert names == [
        *(("length", f"{sizes} characters", 20) for sizes in ("11 to 15", "16 to 20", "5 to 5", "6 to 10")),
        ("label", "a", 40),
        ("label", "b", 40),
        ("store", "north", 27),
        ("store", "south", 27),
    ]


def test_closer_look_without_a_teacher_is_nothing() -> None:
    evidence = Evidence([], (), {ModelRole.STUDENT: []}, {})
    found = closer_look(evidence, parse_recipe(make_recipe_fields()), ModelRole.STUDENT)
    assert found == {"seeds": [], "agreement": None, "slices": None}


def test_closer_look_languages_are_those_of_the_recipe() -> None:
    table = closer(data={"languages": ["en", "de"]})["slices"]["table"]
    # 80 times the word "word": one language, which parts nothing
    assert "language" not in {one["kind"] for one in table}


def test_report_names_the_worst_slice_with_its_correction(plain_blocks: dict[str, Any]) -> None:
    report = build_report(**plain_blocks, **closer({"slices": ["store"]}))
    said = worst_slice(report)
    assert said.startswith("Furthest behind the teacher is the student on store “south” (27 rows): accuracy 0.259")
    assert said.endswith("corrected for 8 slices: more than chance explains.")
    report.comparison.gain_over["teacher"] = Gain(value=-0.25, low=-0.3, high=-0.2, p_value=0.0001, smallest=0.1)
    assert (
        against_teacher(report)
        .replace("\u00a0", " ")
        .startswith(
            "Against the teacher: accuracy −0.250 [−0.300, −0.200], p < 0.001, shows from 0.100. Student and teacher"
        )
    )
    del report.comparison.gain_over["teacher"]
    assert slice_rows(report)[0][:2] == ["store: south", "27"]
    assert against_teacher(report).replace("\u00a0", " ").startswith("Student and teacher give the same answer to 75 %")
    page, markdown = render_html(report), summary_markdown(report)
    assert all(text in page for text in ("store “south”", "store: north", "the same answer to"))
    assert "store “south”" in markdown


def test_worst_slice_says_what_is_too_small(plain_blocks: dict[str, Any]) -> None:
    found = closer()
    found["slices"] |= {"table": [], "too_small": {"label": 3}}
    said = worst_slice(build_report(**plain_blocks, **found))
    assert said.startswith("No slice of the test rows is large enough")
    assert "have 3 by label: nothing is said of them" in said


@pytest.mark.parametrize("field", ["slices", "agreement"])
def test_report_without_slices_or_agreement_is_quiet(plain_blocks: dict[str, Any], field: str) -> None:
    report = build_report(**plain_blocks, **{**closer(), field: None})
    assert (worst_slice(report) == "") is (field == "slices")
    assert (against_teacher(report) == "") is (field == "agreement")
