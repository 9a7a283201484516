"""What a student learns to write, and how filters judge it."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.math import Math
from tests.support.builders import make_completion, make_row
from tests.support.paths import SHARED_DATA

SKILL = Math(kind="math")
KEEP = Filters(min_success_ratio=0.0)
SETTINGS = Evaluation(resamples=200, metrics=("accuracy",))
SOLUTION = "He has 3 boxes. That is 3 * 6 = <<3*6=18>>18 eggs. Nice.\n#### 18"


def test_verify_what_can_not_be_compared_neither_agrees_nor_contradicts():
    assert SKILL.verify("100!", ["9"]) is None
    assert SKILL.verify("100!", ["9", "100!"]) is True
    assert SKILL.is_correct("100!", ["9"]) is False
    completions = {"a": [make_completion("#### 100!")]}
    assert len(apply_filters([make_row("a", "9")], completions, KEEP, SKILL, ()).kept) == 1


numbers = st.fractions(-10_000, 10_000, max_denominator=60)
tails = st.sampled_from(["", " km", " eggs", " million", "%", "^\\circ", " dollars", " hours", " thirds"])
digits = st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"])
answers = st.one_of(
    st.builds(
        lambda one, tail, script: str(one).translate(str.maketrans("0123456789", script)) + tail, numbers, tails, digits
    ),
    st.lists(st.integers(-99, 99), min_size=2, max_size=4, unique=True).map(lambda items: ", ".join(map(str, items))),
    st.integers(1000, 10**9).map(lambda whole: f"{whole:,}"),
    st.builds("{}x^{} + {}".format, st.integers(2, 9), st.integers(2, 5), st.integers(1, 99)),
)


@given(answers, st.sampled_from(["full", "short", "none"]))
def test_parse_of_what_a_student_learns_is_the_answer(text, keep):
    skill = Math(kind="math", keep_reasoning=keep)
    answer = skill.parse(f"So it is.\n#### {text}")
    assert answer is not None
    assert skill.parse(skill.training_target(f"So it is.\n#### {text}", answer)) == answer
    assert skill.verify(answer, [text]) is True


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("full", "He has 3 boxes. That is 3 * 6 = 18 eggs. Nice.\n#### 18"),
        ("short", "That is 3 * 6 = 18 eggs.\n#### 18"),
        ("none", "18"),
    ],
)
def test_training_target_keeps_the_reasoning_that_the_recipe_says(keep, expected):
    skill = Math(kind="math", keep_reasoning=keep)
    assert skill.training_target(SOLUTION, "18") == expected
    assert SKILL.parse(skill.training_target(SOLUTION, "18")) == "18"
    bare = skill.training_target("18", "18")
    assert bare == ("18" if keep == "none" else "#### 18")


@pytest.mark.parametrize("mark", ["\n#### 26", ""])
@pytest.mark.parametrize("steps", ["8 * 2 = 16\n16 + 10 = 26", "16 + 10 = 26 shells"])
def test_training_target_keeps_equations_without_a_word(steps, mark):
    for keep in ("full", "short"):
        skill = Math(kind="math", keep_reasoning=keep)
        assert skill.training_target(steps + mark, "26") == f"{steps}\n#### 26"


@pytest.mark.parametrize(
    "answer", ["18", "\\frac{1}{2}", "x+1", "(1, 2)", "25%", "Monday", "x=5", "2 hours 30 minutes"]
)
@pytest.mark.parametrize("keep", ["full", "short", "none"])
def test_training_target_is_parsed_to_its_answer(answer, keep):
    skill = Math(kind="math", keep_reasoning=keep)
    assert SKILL.parse(skill.training_target(f"First 6 * 3 = 18.\n#### {answer}", answer)) == answer


@pytest.mark.parametrize(
    ("reference", "answer", "is_right"),
    [
        ("\\frac{1}{2}", "0.5", True),
        ("\\frac{1}{2}", "2", False),
        ("(1, 2)", "(1,2)", True),
        ("(1, 2)", "2", False),
        ("x^2 + 1", "1+x^2", True),
        ("x^2 + 1", "1", False),
        ("Monday", "Monday", True),
        ("Monday, 5 pm", "Monday, 5 pm", True),
        ("It is 3 * 6 = 18.\nSo 18 eggs.", "18", True),
    ],
)
def test_verify_reference_with_words_is_compared_whole(reference, answer, is_right):
    assert SKILL.verify(answer, [reference]) is is_right


def test_filter_samples_vote_by_value_and_the_most_confident_wins():
    texts = ["It is 1/2.\n#### 1/2", "#### 0.7", "0.25 * 2 = 0.5\n#### 0.5", "#### ?"]
    completions = {"a": [make_completion(text, cumulative_logprob=-index) for index, text in enumerate(texts)]}
    result = apply_filters([make_row("a")], completions, KEEP, Math(kind="math", keep_reasoning="full"), ())
    assert [one.target for one in result.kept] == ["It is 1/2.\n#### 1/2"]
    assert result.counts == {"not_majority": 3}
    filters = KEEP.model_copy(update={"min_agreement": 0.6})
    assert apply_filters([make_row("a")], completions, filters, SKILL, ()).counts == {"agreement": 4}


def test_filter_reference_that_is_a_solution_verifies_by_value():
    completions = {"a": [make_completion("#### 18.0"), make_completion("#### 19")]}
    result = apply_filters([make_row("a", SOLUTION)], completions, KEEP, SKILL, ())
    assert [one.target for one in result.kept] == ["#### 18.0"]
    assert result.counts == {"verification": 1}


def test_public_problems_solutions_equal_their_answers():
    path = SHARED_DATA / "math_gsm8k" / "test.jsonl"
    if not path.is_file():
        pytest.skip(f"the public problems are not at {path}")
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    solutions, references = [row["answer"] for row in rows], [row["final_answer"] for row in rows]
    read = [SKILL.parse(solution) for solution in solutions]
    # exact arithmetic, without the library
    assert [Fraction(answer) for answer in read] == [Fraction(str(answer).replace(",", "")) for answer in references]
    found = quality(read[:200], Scoring([[str(answer)] for answer in references[:200]], (), SETTINGS, SKILL))
    assert found["accuracy"]["value"] == 1.0
    off = [str(Fraction(answer) + 1) for answer in read[:200]]
    assert (
        quality(off, Scoring([[solution] for solution in solutions[:200]], (), SETTINGS, SKILL))["accuracy"]["value"]
        == 0.0
    )
    assert [SKILL.parse(SKILL.training_target(s, str(a))) for s, a in zip(solutions, read, strict=True)] == read
