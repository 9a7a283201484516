import pytest

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import BASELINES, ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.collect import comparison_block, model_blocks
from tests.support.builders import make_recipe_fields


@pytest.mark.parametrize("better", BASELINES)
def test_comparison_block_gain_is_over_the_better_baseline_by_the_first_metric(better: ModelRole) -> None:
    (worse,) = set(BASELINES) - {better}
    evaluation = {"metrics": ["macro_f1", "accuracy"]}
    recipe = parse_recipe(make_recipe_fields(evaluation=evaluation))
    evidence = Evidence(
        rows=[{"id": f"r{n}", "references": [label]} for n, label in enumerate("aaab")],
        labels=("a", "b"),
        answers={
            ModelRole.STUDENT: list("aaab"),
            # by accuracy the worse one is ahead: 3/4 against 2/4
            worse: list("aaaa"),
            better: list("abbb"),
        },
        measurements={},
    )

    comparison, which = comparison_block(evidence, model_blocks(evidence, {}, recipe), recipe)

    assert which == better
    assert comparison["primary_metric"] == "macro_f1"
    # F1 of a: 2 * 1 / (1 + 3) = 1/2; of b: 2 * 1 / (3 + 1) = 1/2. The other's: 6/7 and 0, which is 3/7
    assert comparison["gain_over_baseline"]["value"] == pytest.approx(1 - 1 / 2, abs=1e-12)
    assert comparison["gain_over"][worse]["value"] == pytest.approx(1 - 3 / 7, abs=1e-12)
