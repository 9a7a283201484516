import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.judging.pairs import opponents, outcome_of, pair_lines, pair_questions
from stillhouse.judging.win_rate import tally
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.judge import Judge
from tests.support.scripted_judge import JUDGE, SKILL, always_first, judged, longer, row, shown

SETTINGS = Evaluation(metrics=("rouge_l",), resamples=2000)
QUICK = Evaluation(metrics=("rouge_l",), resamples=100)
ANSWERS = st.one_of(st.none(), st.text("ab ", min_size=1, max_size=6))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """From the definition: Wilson, 1927, at 95 %."""
    z, share = 1.959963984540054, successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def test_pair_questions_equal_or_unreadable_answers_have_none():
    student, other = ["same", None, "x", None, "longer"], ["same", "x", None, None, "short"]
    lines = judged(student, other, longer)
    assert [line["asked"] for line in lines] == [False, False, False, False, True]
    assert [outcome_of(line) for line in lines] == ["tie", "loss", "win", "tie", "win"]


def test_pair_questions_show_each_pair_in_both_orders():
    lines = pair_lines([row("r")], {"student": ["s"], "teacher": ["t"]}, {"teacher": "teacher"})
    asked = [shown(turns) for turns in pair_questions(lines, [row("r")], JUDGE, SKILL, ()).values()]
    assert [(one["answer A"], one["answer B"]) for one in asked] == [("s", "t"), ("t", "s")]


def test_pair_lines_are_of_the_student_that_is_named():
    answers = {"student": ["first"], "student_2": ["second"], "teacher": ["t"]}
    (line,) = pair_lines([row("r")], answers, {"teacher": "teacher"}, "student_2")
    assert (line["student"], line["other"]) == ("second", "t")


@pytest.mark.parametrize(("show", "expected"), [(True, "gold"), (False, None)])
def test_pair_questions_reference_only_if_the_recipe_says_so(show, expected):
    rows = [row("r", "gold", "second")]
    lines = pair_lines(rows, {"student": ["s"], "teacher": ["t"]}, {"teacher": "teacher"})
    judge = Judge(model="owner/judge", show_reference=show)
    asked = [shown(turns) for turns in pair_questions(lines, rows, judge, SKILL, ()).values()]
    assert [one.get("reference answer") for one in asked] == [expected] * 2


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=1, max_size=8))
def test_tally_swapped_models_mirror_wins_and_losses(pairs):
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    found = tally(judged(ours, theirs, longer), QUICK)
    mirrored = tally(judged(theirs, ours, longer), QUICK)
    assert found["win"] == mirrored["loss"]
    assert found["loss"] == mirrored["win"]
    assert found["tie"] == mirrored["tie"]
    assert found["win_rate"]["value"] == pytest.approx(1 - mirrored["win_rate"]["value"])
    for name in ("asked", "p_value", "agreement", "first_position", "longer_wins", "unreadable"):
        assert found[name] == mirrored[name]


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=1, max_size=8))
def test_pair_questions_swapped_models_give_the_same_questions(pairs):
    rows = [row(f"r{number}") for number in range(len(pairs))]
    asked = []
    for ours, theirs in (zip(*pairs, strict=True), reversed(list(zip(*pairs, strict=True)))):
        lines = pair_lines(rows, {"student": ours, "teacher": theirs}, {"teacher": "teacher"})
        asked.append(sorted(str(turns) for turns in pair_questions(lines, rows, JUDGE, SKILL, ()).values()))
    assert asked[0] == asked[1]


def test_tally_judge_that_prefers_longer_answers_is_visible():
    found = tally(judged(["long one", "s", "same"], ["t", "longer", "equa"], longer), SETTINGS)
    assert [found[name]["value"] for name in ("win", "tie", "loss")] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert (found["agreement"], found["first_position"], found["longer_wins"]) == (1.0, 0.5, 1.0)


def test_tally_judge_that_prefers_the_first_position_gives_ties():
    found = tally(judged(["a", "bb", "c"], ["x", "y", "zz"], always_first), SETTINGS)
    assert found["tie"]["value"] == 1.0
    assert (found["agreement"], found["first_position"], found["longer_wins"]) == (0.0, 1.0, None)


def test_tally_unreadable_verdict_leaves_other_rows_unchanged():
    student, other = [f"s{'x' * n}" for n in range(5)], ["sxx!"] * 5

    def opinion(first: str, second: str) -> str:
        return "I'd rather not say" if "sxx" in (first, second) else longer(first, second)

    lines = judged(student, other, opinion)
    assert [line["row_id"] for line in lines] == [f"r{n}" for n in range(5)]
    assert [outcome_of(line) for line in lines] == ["loss", "loss", "tie", "tie", "win"]
    found = tally(lines, SETTINGS)
    assert (found["asked"], found["unreadable"]) == (5, 2)
    # the pair of equal lengths agrees on a tie, the one without verdicts on nothing
    assert found["agreement"] == 4 / 5
    assert lines[2]["first_text"] == "I'd rather not say"


def test_tally_shares_have_wilson_intervals_over_all_rows():
    student = ["long one"] * 30 + ["s"] * 7 + ["same"] * 3
    other = ["t"] * 30 + ["longer"] * 7 + ["same"] * 3
    found = tally(judged(student, other, longer), SETTINGS)
    for name, number in (("win", 30), ("loss", 7), ("tie", 3)):
        low, high = wilson(number, 40)
        assert found[name] == {"value": number / 40, "low": pytest.approx(low), "high": pytest.approx(high), "n": 40}
    assert found["asked"] == 37


def test_tally_win_rate_counts_half_a_tie_with_a_normal_width_interval():
    wins, losses, ties = 200, 120, 80
    student = ["long one"] * wins + ["s"] * losses + ["same"] * ties
    other = ["t"] * wins + ["longer"] * losses + ["same"] * ties
    rate = tally(judged(student, other, longer), SETTINGS)["win_rate"]
    n, mean = 400, (wins + ties / 2) / 400
    spread = math.sqrt((wins * (1 - mean) ** 2 + losses * mean**2 + ties * (0.5 - mean) ** 2) / n / n)
    assert rate["value"] == pytest.approx(mean)
    assert rate["low"] == pytest.approx(mean - 1.96 * spread, abs=0.01)
    assert rate["high"] == pytest.approx(mean + 1.96 * spread, abs=0.01)


def test_tally_p_value_is_the_exact_sign_test():
    found = tally(judged(["long one"] * 9 + ["s"] * 2, ["t"] * 9 + ["longer"] * 2, longer), SETTINGS)
    tail = sum(math.comb(11, k) for k in range(3)) / 2**11
    assert found["p_value"] == pytest.approx(2 * tail)


def test_tally_without_judged_pairs_has_no_bias_measures():
    found = tally(judged(["same"], ["same"], longer), SETTINGS)
    assert (found["asked"], found["unreadable"]) == (0, 0)
    assert (found["agreement"], found["first_position"], found["longer_wins"]) == (None, None, None)


def test_opponents_are_the_teacher_and_the_better_baseline():
    answers = {"student": ["a b"], "teacher": ["a b"], "untrained": ["x"], "zero_shot": ["a"]}
    found = opponents(JUDGE, answers, [["a b"]], SKILL, "rouge_l", ("untrained", "zero_shot"))
    assert found == {"teacher": "teacher", "baseline": "zero_shot"}


def test_opponents_unmeasured_or_unrequested_are_left_out():
    answers = {"student": ["a"], "zero_shot": ["a"]}
    only = Judge(model="owner/judge", against=("teacher",))
    assert opponents(only, answers, [["a"]], SKILL, "rouge_l", ("zero_shot",)) == {}
    assert opponents(JUDGE, answers, [["a"]], SKILL, "rouge_l", ()) == {}
