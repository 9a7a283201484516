"""What trains is evened out by label, whoever gave the label."""

from collections import Counter
from typing import Any

import pytest

from stillhouse.recipe.data import Balance
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import build_dataset


def dataset(folder, given: str = "", answered: str = "", examples: str = "", **rule: Any):
    """Train on rows whose labels are the letters: c is car, p is pet."""
    names = {"c": "car", "p": "pet"}
    labelled = [make_row(f"g{n}", names[one]) for n, one in enumerate(given)]
    asked = [make_row(f"a{n}") for n in range(len(answered))]
    options: dict[str, Any] = {
        "train": [*labelled, *asked],
        "examples": [make_row(f"e{n}", names[one]) for n, one in enumerate(examples)],
        "answers": [make_completion_line(f"a{n}", names[one]) for n, one in enumerate(answered)],
    }
    if rule:
        options["balance"] = Balance(by="label", **rule)
    summary, _, lines = build_dataset(folder, **options)
    return summary, [(line["id"], line["completion"][0]["content"]) for line in lines["train"]], lines


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        ({"method": "cap", "cap": 4}, {"car": 4, "pet": 3}),
        ({"method": "downsample"}, {"car": 3, "pet": 3}),
        ({"method": "upsample"}, {"car": 12, "pet": 12}),
        ({"method": "temperature", "temperature": 2.0}, {"car": 10, "pet": 5}),  # 15 as sqrt(12) : sqrt(3)
    ],
)
def test_balance_by_label_evens_out_what_the_teacher_answered(tmp_path, rule, after):
    summary, taught, _ = dataset(tmp_path, answered="cccccccccccc" + "ppp", **rule)
    assert Counter(target for _, target in taught) == after == summary.balance.after
    assert summary.balance.before == {"car": 12, "pet": 3}
    assert summary.rows.train == len(taught)


def test_balance_by_label_counts_given_labels_and_examples_and_keeps_them_first(tmp_path):
    summary, taught, lines = dataset(tmp_path, given="c", answered="ccccc" + "p", examples="c", method="cap", cap=3)
    assert summary.balance.before == {"car": 7, "pet": 1}
    assert summary.balance.after == {"car": 3, "pet": 1}
    assert {"g0", "e0"} < {name for name, _ in taught}
    # the alternative without a teacher has all of them
    assert [line["id"] for line in lines["labelled"]] == ["g0", "e0"]


def test_balance_temperature_leaves_given_labels_as_they_are(tmp_path):
    summary, taught, _ = dataset(tmp_path, given="cccc", answered="ccccccccp", method="temperature", temperature=2.0)
    assert sum(name.startswith("g") for name, _ in taught) == 4
    assert summary.balance.after == {"car": 7, "pet": 2, "unlabelled": 4}


def test_balance_is_not_applied_unless_it_is_by_label(tmp_path):
    summary, taught, _ = dataset(tmp_path, answered="ccccp")
    assert summary.balance is None
    assert len(taught) == 5
