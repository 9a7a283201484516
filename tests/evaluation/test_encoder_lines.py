"""Answers of an encoder whose labels are its own: a champion may have learnt others than the recipe names now."""

import numpy as np
import pytest

from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.encoder_worker import answer_lines
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields, make_row

# probabilities 0.7, 0.2 and 0.1, of the model's own labels in its order
LOGITS = np.log(np.array([[0.7, 0.2, 0.1]], dtype=np.float32))


@pytest.mark.parametrize(
    ("own", "wanted", "probabilities"),
    [
        (("a", "b", "c"), ("a", "b", "c"), [0.7, 0.2, 0.1]),
        (("a", "b", "c"), ("c", "a", "b"), [0.1, 0.7, 0.2]),
        (("a", "b", "c"), ("a", "b"), None),
        (("a", "b", "c"), ("a", "b", "c", "d"), None),
    ],
)
def test_answer_lines_are_of_the_models_labels_with_probabilities_of_the_skills(
    own: tuple[str, ...], wanted: tuple[str, ...], probabilities: list[float] | None
):
    recipe = parse_recipe(make_recipe_fields())
    spec = EncoderEvaluateSpec(
        role=ModelRole.CHAMPION,
        folder="f",
        skill=recipe.skill,
        labels=wanted,
        evaluation=recipe.evaluation,
        test="t",
        validation=None,
        out="o",
    )
    (line,) = answer_lines(spec, own, [make_row("1", "a")], LOGITS)
    assert (line["answer"], line["model"]) == ("a", "champion")
    found = line["label_logprobs"]
    assert (found is None) == (probabilities is None)
    if probabilities:
        assert np.exp(found) == pytest.approx(probabilities, rel=1e-5)
