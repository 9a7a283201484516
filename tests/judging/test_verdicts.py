import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.judging.verdicts import decide, outcome_of_verdict, read_score, read_verdict

VERDICTS = st.sampled_from(["A", "B", "C", None])
SWAPPED = {"A": "B", "B": "A", "C": "C", None: None}
MIRRORED = {"win": "loss", "tie": "tie", "loss": "win"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", "A"),
        (" b.\n", "B"),
        ("**C**", "C"),
        ("[[A]]", "A"),
        ("Answer B", "B"),
        ("Verdict: B", "B"),
        ("The better answer is A.", "A"),
        ("A is better", "A"),
        ("B is the best answer.", "B"),
        ("Tie", "C"),
        ("neither", "C"),
        ("B\n\nIt names the price.", "B"),
        ("Both are short, but only one is right. My verdict: [[B]]", "B"),
    ],
)
def test_read_verdict_with_a_few_words_around_it(text: str, expected: str):
    assert read_verdict(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "D", "AB", "A and B", "A or B", "A, B", "both", "[[A]] or [[B]]", "[[D]]", "4"),
        *("A good answer names the price", "A better one is B", "Because B is polite", "I can't say", "Assistant"),
    ],
)
def test_read_verdict_none_or_several_is_not_guessed(text: str):
    assert read_verdict(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4", 4), (" 1.", 1), ("Score: 5", 5), ("**3**", 3), ("4/5", 4), ("2 out of 5", 2), ("[[3]]", 3), ("5\nGood.", 5)],
)
def test_read_score_with_a_few_words_around_it(text: str, expected: int):
    assert read_score(text) == expected


@pytest.mark.parametrize("text", ["", "0", "6", "10", "4.5", "5/10", "3-4", "4, 5", "four", "[[A]]", "A", "12 of 5"])
def test_read_score_none_or_not_whole_is_not_guessed(text: str):
    assert read_score(text) is None


@given(st.text(max_size=40))
def test_read_verdict_and_score_any_text_is_never_an_error(text: str):
    assert read_verdict(text) in ("A", "B", "C", None)
    assert read_score(text) in (1, 2, 3, 4, 5, None)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("A", "B", "win"),
        ("B", "A", "loss"),
        ("C", "C", "tie"),
        ("A", "A", "tie"),  # it likes what stands first
        ("B", "B", "tie"),
        ("A", "C", "tie"),
        ("C", "A", "tie"),
        ("A", None, "tie"),
        (None, "A", "tie"),
        (None, None, "tie"),
    ],
)
def test_decide_win_or_loss_needs_both_orders_to_agree(first, second, expected):
    assert decide(first, second) == expected


@given(VERDICTS, VERDICTS)
def test_decide_swapped_models_have_the_mirrored_outcome(first, second):
    # the other model's answer shown first is ours shown second
    assert decide(second, first) == MIRRORED[decide(first, second)]


@given(VERDICTS)
def test_outcome_of_verdict_swapped_answers_equal_the_swapped_verdict(verdict):
    assert outcome_of_verdict(verdict, is_swapped=True) == outcome_of_verdict(SWAPPED[verdict], is_swapped=False)
