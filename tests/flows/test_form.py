"""The form that Prefect's page makes of the flow's parameters."""

from typing import Any

import pytest

from flows.distill import distill
from flows.plan import plan
from stillhouse.recipe.form import REPLACED_FIELDS, SIZES
from tasks.orchestration.registry import REFRESHABLE

FORM = {
    "recipe": ("string", "demo"),
    "data": ("string", ""),
    "test_data": ("string", ""),
    "teacher": ("string", ""),
    "student": ("string", ""),
    "size": ("string", "full"),
    "max_train_rows": ("integer", 0),
    "refresh": ("array", []),
    "overrides": ("object", {}),
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return distill.parameters.model_dump()


def test_form_is_flat_in_this_order_and_needs_no_field_filled(schema):
    fields = schema["properties"]

    assert sorted(fields, key=lambda name: fields[name]["position"]) == list(FORM)
    assert {name: (field["type"], field["default"]) for name, field in fields.items()} == FORM
    assert not schema.get("required")
    assert not schema.get("definitions")


def test_form_describes_every_field_and_names_units_and_bounds(schema):
    fields = schema["properties"]

    assert all(len(field.get("description", "")) > 40 for field in fields.values())
    rows = fields["max_train_rows"]
    assert (rows["minimum"], rows["maximum"]) == (0, 10_000_000)
    assert "rows" in rows["description"]
    assert "10000000" in rows["description"]


def test_form_choices_are_drop_downs(schema):
    assert schema["properties"]["size"]["enum"] == list(SIZES)
    assert schema["properties"]["refresh"]["items"]["enum"] == list(REFRESHABLE)


def test_form_passes_on_every_choice_it_offers():
    assert {"size", *REPLACED_FIELDS} == set(FORM) - {"recipe", "refresh", "overrides"}


def test_form_size_description_tells_its_numbers(schema):
    text = schema["properties"]["size"]["description"]
    assert all(str(number) in text for size in SIZES.values() for number in size.values())


def test_form_of_a_plan_has_the_fields_of_a_run_that_a_plan_can_use():
    planned, run = plan.parameters.model_dump()["properties"], distill.parameters.model_dump()["properties"]
    assert planned.pop("offline")["default"] is False
    assert list(planned) == [name for name in run if name not in ("student", "refresh")]
    for name, field in planned.items():
        assert field.get("description"), name
        assert (field["type"], field["default"]) == (run[name]["type"], run[name]["default"])
    assert len(planned["overrides"]["description"]) > 40
