"""Rules of the gate about numbers that the recipe's evaluation does not make."""

from collections.abc import Iterator

from stillhouse.recipe.recipe import Recipe


def find_gate_problems(recipe: Recipe) -> Iterator[str]:
    """Yield each rule about two models whose metric is not measured."""
    measured = recipe.evaluation.metrics
    for place, rule in enumerate(recipe.gate.rules):
        for kind, named in (("not_worse_than", rule.not_worse_than), ("better_than", rule.better_than)):
            if named is not None and named.metric is not None and named.metric not in measured:
                yield (
                    f"gate.rules.{place}.{kind}.metric: {named.metric} is not among evaluation.metrics "
                    f"({', '.join(measured)}). Add it there, or name one of these"
                )
