"""Which recipes may have a second opinion."""

from typing import Any

import pytest

from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

ASKED = {"second_opinion": {"weight": 2.0}}
LOCAL = {"model": "./teacher"}


def test_second_opinion_beside_a_teacher_that_scores_labels_is_read():
    recipe = parse_recipe(make_recipe_fields(LOCAL, **ASKED))
    assert recipe.second_opinion
    assert recipe.second_opinion.weight == 2.0


@pytest.mark.parametrize(
    ("teachers", "more", "expected"),
    [
        ([make_api_teacher()], {}, "teachers.0"),
        ([LOCAL | {"output": {"kind": "free"}}], {}, "gives none: it takes a teacher that is served here"),
        ([LOCAL | {"name": "near"}, make_api_teacher() | {"name": "far"}], {}, "teachers.1 (far)"),
        ([LOCAL], {"skill": {"kind": "qa"}}, "skill.kind: qa has no labels: leave it out"),
        ([LOCAL], {"evaluation": {"encoder": None}}, "needs a sentence encoder, and evaluation.encoder is null"),
        (
            [LOCAL | {"name": "one"}, LOCAL | {"name": "two"}],
            {"routing": {"kind": "fallback"}},
            "can't be had with routing.kind: fallback",
        ),
    ],
)
def test_second_opinion_that_could_not_be_combined_is_refused(
    teachers: list[dict[str, Any]], more: dict[str, Any], expected: str
):
    assert expected in refusal_of(make_recipe_fields(*teachers, **more, **ASKED))
