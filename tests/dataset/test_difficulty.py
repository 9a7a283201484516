import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhouse.completions.table import completion_of
from stillhouse.dataset.difficulty import BUCKETS, TeacherOutput, subsample_by_difficulty
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.settings import Filters
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import LABELS, SKILL, build_dataset, label_scores, make_rollouts


def subsample(lines, share, prior=None):
    """Subsample the rows of `lines`, each kept with its first answer; return summary, kept ids and drops."""
    completions = {name: [completion_of(line) for line in found] for name, found in lines.items()}
    kept = [Candidate(make_row(name), found[0], found[0].text, None, False) for name, found in completions.items()]
    label_scores = {name: found[0]["label_scores"] for name, found in lines.items()}
    answers = TeacherOutput(completions, label_scores, prior)
    decision, summary = subsample_by_difficulty(kept, answers, SKILL, LABELS, share)
    return summary, [one.row["id"] for one in decision.kept], decision.dropped


def by_logprob(number: int):
    """Rows r0, r1 …, each harder than the one before."""
    return {
        f"r{n}": make_rollouts(f"r{n}", "car", cumulative_logprob=-float(n), completion_tokens=1) for n in range(number)
    }


@given(number=st.integers(3, 60), share=st.floats(0.0, 1.0))
@settings(max_examples=60)
def test_subsample_any_share_holds_with_as_many_rows_as_can(number, share):
    summary, kept, dropped = subsample(by_logprob(number), share)
    hard = {f"r{n}" for n in range(number) if 3 * n // number == 2}
    num_hard, num_others = len(hard & set(kept)), len(set(kept) - hard)
    assert num_hard == len(hard) or num_others == number - len(hard)  # one kind is whole
    if kept:
        assert abs(num_hard / len(kept) - share) <= 1.0 / len(kept)
    assert summary.after["hard"] == num_hard
    assert summary.before == dict(Counter(BUCKETS[3 * n // number] for n in range(number)))
    assert len(dropped) + len(kept) == number
    assert {drop.reason for drop in dropped} <= {"hard_share"}


def test_subsample_reversed_rows_keeps_the_same_ones():
    lines = by_logprob(30)
    _, kept, _ = subsample(lines, 0.6)
    _, reversed_kept, _ = subsample(dict(reversed(lines.items())), 0.6)
    assert set(kept) == set(reversed_kept)
    assert len(kept) == 17  # by hand: 10 hard rows are six tenths of 16.7
    assert kept == sorted(kept, key=lambda name: int(name[1:]))


def test_subsample_disagreeing_rollouts_are_hard():
    lines = {
        "agree": make_rollouts("agree", "car", "car", "car"),
        "split": make_rollouts("split", "car", "pet", "no idea"),
        "most": make_rollouts("most", "car", "car", "pet"),
    }
    summary, kept, _ = subsample(lines, 1.0)
    assert (summary.measure, kept) == ("disagreement", ["split"])


def test_subsample_equal_disagreement_less_probable_is_harder():
    lines = {
        name: make_rollouts(name, "car", "pet", cumulative_logprob=mean, completion_tokens=1)
        for name, mean in {"sure": -0.1, "unsure": -2.0, "between": -1.0}.items()
    }
    assert subsample(lines, 1.0)[1] == ["unsure"]


def test_subsample_close_label_scores_are_hard():
    lines = {
        name: make_rollouts(name, "car", scores=label_scores(*shares))
        for name, shares in {"near": (51, 49), "far": (99, 1), "between": (3, 1)}.items()
    }
    summary, kept, _ = subsample(lines, 1.0)
    assert (summary.measure, kept) == ("margin", ["near"])
    # less a prior that likes the first label, the row that seemed sure is the doubtful one
    assert subsample(lines, 1.0, prior=label_scores(98, 2))[1] == ["far"]


def test_subsample_unknown_difficulty_counts_as_not_hard():
    lines = by_logprob(3) | {"x": make_rollouts("x", "car", cumulative_logprob=None)}
    summary, kept, _ = subsample(lines, 0.0)
    assert kept == ["r0", "r1", "x"]
    assert summary.before == {"easy": 1, "medium": 1, "hard": 1, "unknown": 1}


def test_subsample_no_known_difficulty_is_refused_with_next_step():
    with pytest.raises(QualityError, match=r"filters\.hard_share.*sampling\.n above 1"):
        subsample({"x": make_rollouts("x", "car", cumulative_logprob=None)}, 0.5)


def test_write_dataset_hard_share_drops_only_teacher_training_rows(tmp_path):
    options = {
        "train": [make_row(f"r{n}") for n in range(12)] + [make_row("given", "pet")],
        "validation": [make_row("v"), make_row("w")],
        "examples": [make_row("e", "pet")],
        "answers": [line for found in by_logprob(12).values() for line in found]
        + [make_completion_line(name, "pet") for name in ("v", "w")],
    }
    written = {}
    for share in (None, 1.0, 0.5):
        folder = tmp_path / str(share)
        folder.mkdir()
        summary, taught, lines = build_dataset(folder, **options, filters=Filters(hard_share=share))
        assert summary.num_in == summary.kept + sum(summary.dropped.values()) == 14
        written[share] = (summary, taught, lines)
    assert set(written[1.0][1]["train"]) == {"r8", "r9", "r10", "r11", "given", "e"}
    assert all(taught["validation"] == {"v": "pet", "w": "pet"} for _, taught, _ in written.values())
    summary, _, lines = written[0.5]
    assert summary.to_record()["difficulty"] == {
        "measure": "probability",
        "share": 0.5,
        "before": {"easy": 4, "medium": 4, "hard": 4},
        "after": {**summary.difficulty.after, "hard": 4},
    }
    assert sum(summary.difficulty.after.values()) == 8
    assert summary.dropped == {"hard_share": 4}
    assert {line["detail"] for line in lines["dropped"]} <= {
        f"{bucket} by probability; 50% are to be hard" for bucket in ("easy", "medium")
    }
    assert written[None][0].difficulty is None


def test_subsample_by_probability_a_label_of_many_tokens_is_as_hard_as_one_of_few():
    rare, tokens = math.log(0.3), (1, 2, 5)
    lines = {f"hard{n}": make_rollouts(f"hard{n}", "car", cumulative_logprob=rare, completion_tokens=n) for n in tokens}
    lines |= {
        f"easy{n}": make_rollouts(f"easy{n}", "car", cumulative_logprob=math.log(0.8), completion_tokens=1)
        for n in range(6)
    }
    assert sorted(subsample(lines, 1.0)[1]) == ["hard1", "hard2", "hard5"]
