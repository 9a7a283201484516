"""Evens out the labels of a student's training examples, once the teachers have answered.

Before they answer, only rows with a given label can be evened out. What trains is these rows, the labelled examples and
the teachers' answers together.
"""

from collections.abc import Sequence

from stillhouse.data.balance import choose
from stillhouse.data.duplicates import content_keys
from stillhouse.data.summaries import BalanceSummary
from stillhouse.dataset.example import TrainingExample
from stillhouse.recipe.data import Balance


def balance_examples(
    examples: Sequence[TrainingExample], rule: Balance
) -> tuple[list[TrainingExample], BalanceSummary]:
    """Return the examples with their labels evened out by `rule`, in their order, and their counts by label.

    Examples with a given label stay before those that a teacher answered. A temperature would flatten the given labels
    twice, so that it is for the teachers' answers alone.
    """
    is_given = [example.is_given for example in examples]
    only_answers = rule.method == "temperature"
    groups = [None if only_answers and given else one.target for one, given in zip(examples, is_given, strict=True)]
    keys = content_keys([example.row["content_sha256"] for example in examples])[:, 0]
    times, counts = choose(groups, keys, rule, is_given)
    return [example for example, number in zip(examples, times.tolist(), strict=True) for _ in range(number)], counts
