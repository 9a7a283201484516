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
from stillhouse.skills.math_equivalence import compare, is_tame, same_value
from tests.support.builders import make_completion, make_row
from tests.support.paths import SHARED_DATA

SKILL = Math(kind="math")
KEEP = Filters(min_success_ratio=0.0)
SETTINGS = Evaluation(resamples=200, metrics=("accuracy",))
SOLUTION = "He has 3 boxes. That is 3 * 6 = <<3*6=18>>18 eggs. Nice.\n#### 18"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (SOLUTION, "18"),
        ("#### 5\nno, wait\n#### 7 apples", "7"),
        ("So \\boxed{1} or rather $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"),
        ("Adding up, the answer is $1,250.50.", "1250.50"),
        ("The final answer is: **42**.", "42"),
        ("2 + 2 = 4\nthat makes 4 eggs", "4"),
        ("so\n- 18", "18"),
        # the whole line, not a number in it
        ("x+1", "x+1"),
        ("\\frac{1}{2}", "\\frac{1}{2}"),
        ("$\\frac{3}{4}$.", "\\frac{3}{4}"),
        ("(1, 2)", "(1, 2)"),
        ("5^2", "5^2"),
        ("10:30", "10:30"),
        ("\\sin(2x)", "\\sin(2x)"),
        # the right side of an equation, and the text between marks in a sentence
        ("f(x) = y+1", "y+1"),
        ("x >= 5", "x >= 5"),
        ("The area is $2\\pi$ in all.", "2\\pi"),
        ("So it is \\(\\frac{1}{2}\\) of it", "\\frac{1}{2}"),
        ("It costs $3 + $4 = $7", "7"),
        ("It costs $5 and $6", "6"),
        ("5 + 3 = 8 apples", "8"),
        ("-3/4", "-3/4"),
        ("It is 25%", "25%"),
        ("#### x+1", "x+1"),
        ("#### \\$18", "18"),
        ("#### 18 dollars a week.", "18"),
        ("The result is −5", "-5"),
        ("#### ５", "5"),
        ("#### ١٢٫٥", "12.5"),
        ("#### २५", "25"),
        ("The answer is about 18.", "18"),
        ("So the result is 18, not 20.", "18"),
        ("#### 5 km", "5 km"),
        ("She runs 5 km.", "5 km"),
        ("That makes 5 million dollars.", "5 million"),
        ("#### 18 eggs", "18"),
        ("#### 1,2", "1,2"),
        ("\\boxed{2, 3}", "2, 3"),
        ("Answer: 42 (since 6*7 = 42)", "42"),
        ("答案是 18", "18"),
        ("Respuesta: 18", "18"),
        ("It is 5 more than x.", None),
        ("Students in the class = 5\nThere are 30 in all.", "30"),
        ("I do not know", None),
        ("", None),
        ("3 apples\nand that is all", None),
        ("####", None),
    ],
)
def test_parse_math_finds_the_final_answer(text, answer):
    assert SKILL.parse(text) == answer


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("1/2", "0.5", True),
        ("\\frac{1}{2}", "0.5", True),
        ("7.50", "7.5", True),
        ("1+x", "x+1", True),
        ("2\\sqrt{2}", "\\sqrt{8}", True),
        ("x=5", "5", True),
        ("3", "-3", False),
        ("0.333", "1/3", False),
        ("18", "180", False),
        ("Monday", "Friday", False),
    ],
)
def test_same_value_is_symmetric(one, other, are_same):
    assert same_value(one, other) is are_same
    assert same_value(other, one) is are_same


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("1,2", "2,1", True),
        ("1,2", "12", False),
        ("5,7,9", "579", False),
        ("12,34", "1234", False),
        ("0,5", "5", False),
        ("7 8", "78", False),
        ("-1,1", "\\pm 1", True),
        ("1 and 2", "\\{2,1\\}", True),
        ("x = 2 or x = 3", "3, 2", True),
        ("(1,2)", "(2,1)", False),
        ("1,200", "1200", True),
        ("1,00,000", "100000", True),
        ("1 000", "1000", True),
        ("1.000,5", "1000.5", True),
        ("1.000.000", "1000000", True),
        ("1'200", "1200", True),
        ("1{,}000", "1000", True),
        ("−5", "-5", True),
        ("－5", "5", False),
        ("٥", "5", True),
        ("५", "5", True),
        ("5 km", "5 m", False),
        ("5 km", "5000 meters", True),
        ("5 km", "5", True),
        ("5 kg", "5 km", False),
        ("2 hours", "120 minutes", True),
        ("5 square meters", "5 m", False),
        ("5 euros", "5 dollars", False),
        ("50 cents", "0.50", True),
        ("5 million", "5", False),
        ("5 million", "5000000", True),
        ("5 dozen", "60", True),
        ("3 lakh", "300000", True),
        ("2 crore", "20000000", True),
        ("5万", "50000", True),
        ("5k", "5000", True),
        ("3 millones", "3000000", True),
        ("5%", "0.05", True),
        ("5 percent", "5%", True),
        ("2 1/2", "5/2", True),
        ("-2 1/2", "-2.5", True),
        ("2½", "2.5", True),
        ("90^\\circ", "90", True),
        ("90°", "90 degrees", True),
        ("5 pi", "5", False),
        ("5 pi", "5\\pi", True),
        ("5 squared", "5", False),
        ("5 squared", "25", True),
        ("2 thirds", "2", False),
        ("2 thirds", "2/3", True),
        ("5-7", "-2", False),
        ("5–7", "5 to 7", True),
        ("5-7", "5", False),
        ("५ लाख", "500000", True),
        ("3 and a half", "3.5", True),
        ("5√2", "5", False),
        ("√4", "2", True),
        ("5+", "5", None),
        ("5th", "5", None),
        ("5 more than x", "5", None),
        ("100!", "5", None),
    ],
)
def test_compare_lists_units_scales_and_signs(one, other, are_same):
    assert compare(one, other) is are_same
    assert compare(other, one) is are_same


@pytest.mark.parametrize(
    "text",
    [
        "Thus the answer is \\[ \\boxed{42} \\]",
        "Thus $x=\\boxed{42}$.",
        "**Answer: 42**",
        "**Final Answer:** \\(\\boxed{42}\\)",
        "The final answer is $42$. I hope it is correct.",
        "First \\boxed{7}, wait, no: \\boxed{42}",
        "#### 42\n\nLet me know if you need more!",
        "\\boxed 42",
        "\\fbox{42}",
        "x = 42 or x = 43? It is 42.",
        "#### **42**",
        "####42",
        "#### $42",
        "#### 42.0",
    ],
)
def test_verify_answer_in_any_dress_is_right(text):
    answer = SKILL.parse(text)
    assert answer is not None
    assert SKILL.verify(answer, ["42"]) is True
    assert SKILL.verify(answer, ["43"]) is False


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


@given(st.fractions(-1000, 1000, max_denominator=40), st.fractions(-1000, 1000, max_denominator=40))
def test_same_value_of_fractions_equals_exact_arithmetic(one, other):
    assert same_value(f"{one.numerator}/{one.denominator}", f"{other.numerator}/{other.denominator}") is (one == other)
    doubled = f"{2 * one.numerator}/{2 * one.denominator}"
    assert same_value(doubled, str(one))


@pytest.mark.parametrize(
    "bomb",
    ["9^9^9^9", "9^{9^{9}}", "9**9**9", "10^{99999}", "((9^999)^999)^999", "1000000!", "\\sum_{n=1}^{99} n", "7" * 300],
)
def test_same_value_of_endless_expressions_compares_text(bomb):
    assert not is_tame(bomb)
    assert same_value(bomb, f" {bomb}")
    assert not same_value(bomb, "1")


@pytest.mark.parametrize("plain", ["x^2+y^2", "x^{10}", "2^{-3}", "(x+1)^2", "x^{1/2}", "10^6"])
def test_is_tame_ordinary_powers_is_true(plain):
    assert is_tame(plain)


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
