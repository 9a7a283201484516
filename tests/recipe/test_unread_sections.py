"""Settings of a training method that nothing reads are told, and refuse nothing."""

from stillhouse.recipe.checks.teaching import unread_lines
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields


def lines(**training: object) -> list[str]:
    return list(unread_lines(parse_recipe(make_recipe_fields(training=training))))


def test_unread_lines_section_of_another_method_is_named():
    assert lines(kind="sft", logits={"k": 4}, attention={"relation_heads": 2}) == [
        "training.attention is set and has no effect with training.kind: sft.",
        "training.logits is set and has no effect with training.kind: sft.",
    ]


def test_unread_lines_own_section_and_defaults_say_nothing():
    assert lines(kind="logits", logits={"k": 4}) == []
    assert lines() == []
