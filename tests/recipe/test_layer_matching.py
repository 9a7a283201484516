"""Recipes that compare layers: whose weights they need, and what they can't be combined with."""

import pytest

from stillhouse.config import identity
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import Training
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of


@pytest.mark.parametrize("kind", ["hidden_states", "attention"])
def test_layer_matching_needs_the_teachers_weights_unless_the_base_is_its_source(kind):
    taught = Training(kind=kind)
    assert (taught.needs_teacher, taught.needs_same_tokens, taught.learns_from_base) == (True, True, False)
    alone = Training.model_validate({"kind": kind, kind: {"source": "base"}})
    assert (alone.needs_teacher, alone.needs_same_tokens, alone.learns_from_base) == (False, False, True)
    # the other method's section decides nothing
    other = {"hidden_states": "attention", "attention": "hidden_states"}[kind]
    assert Training.model_validate({"kind": kind, other: {"source": "base"}}).needs_teacher


def test_layer_matching_defaults_leave_the_identity_as_it_was():
    assert not {"hidden_states", "attention"} & identity(Training()).keys()
    assert identity(Training.model_validate({"hidden_states": {"weight": 2.0}}))["hidden_states"]["weight"] == 2.0


@pytest.mark.parametrize("execution", [{"processes": 2}, {"processes": 2, "sharding": "fsdp"}])
@pytest.mark.parametrize("kind", ["hidden_states", "attention"])
def test_layer_matching_in_several_processes_is_refused(kind, execution):
    fields = make_recipe_fields(training={"kind": kind, "execution": execution})
    assert f"training.kind: {kind} compares whole models in one process" in refusal_of(fields)


def test_attention_with_packing_is_refused_and_hidden_states_with_it_is_not():
    fields = make_recipe_fields(training={"kind": "attention", "packing": True})
    assert "set packing to false" in refusal_of(fields)
    parse_recipe(make_recipe_fields(training={"kind": "hidden_states", "packing": True}))


def test_layer_matching_with_teachers_behind_endpoints_alone_needs_the_base_as_its_source():
    taught = {"kind": "hidden_states"}
    assert "computes with the teacher's weights" in refusal_of(make_recipe_fields(make_api_teacher(), training=taught))
    parse_recipe(make_recipe_fields(make_api_teacher(), training=taught | {"hidden_states": {"source": "base"}}))


def test_attention_relation_named_twice_is_refused():
    assert "names one twice" in refusal_of(make_recipe_fields(training={"attention": {"relations": ["keys", "keys"]}}))
