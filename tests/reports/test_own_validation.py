"""What a report says of its validation rows."""

import re

import pytest

from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.method import method_statements
from tests.support.builders import make_recipe_fields

OWN = {"path": "choices.jsonl", "columns": {"text": "text", "label": "label"}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"validation": OWN}, "labelled rows of the recipe's own"),
        ({"validation_fraction": 0.08}, "8% of the training rows.*teacher's answer"),
        ({"validation_fraction": 0.0}, "^$"),
    ],
)
def test_method_says_whose_labels_choices_are_made_by(data, said):
    fields = make_recipe_fields()
    topics = method_statements(parse_recipe(fields | {"data": fields["data"] | data}))
    assert re.search(said, topics.get("choices", ""))
