"""Where the final answer stands in a solution."""

import pytest

from stillhouse.skills.math import Math

SKILL = Math(kind="math")
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
        ("It costs $5 and $6", "$5 and $6"),
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
    ("text", "answer"),
    [
        ("It takes 2 hours and 30 minutes.", "2 hours and 30 minutes"),
        ("He pays 5 dollars and 50 cents.", "5 dollars and 50 cents"),
        ("The solutions are 2 and 3.", "2 and 3"),
        ("So x = 2 and x = 3.", "x = 2 and x = 3"),
        ("x = 2, y = 3", "x = 2, y = 3"),
        ("It lies between 3 and 5.", "between 3 and 5"),
        ("The ratio is 3:4.", "3:4"),
        ("They meet at 12:30 am.", "12:30 am"),
        ("They meet at 5 pm.", "5 pm"),
        ("It was on July 4, 2020.", "July 4, 2020"),
        ("It is 17 remainder 2.", "17 remainder 2"),
        ("She needs 5 1/2 cups.", "5 1/2"),
        ("It weighs 1.2e-3 kg.", "1.2e-3 kg"),
        ("That is 1.2 × 10^6 grains.", "1.2 × 10^6"),
        ("It is -½", "-1/2"),
        ("5 = x", "5"),
        ("He has twelve apples.", "12"),
        ("It takes two and a half hours.", "2 1/2 hours"),
        ("#### Twenty-one", "21"),
        ("#### 3 * 4 = 12 eggs", "12"),
        ("#### 2x = 10 apples", "2x = 10 apples"),
        ("It took an hour and a half.", "1 1/2 hour"),
        ("#### Two Rivers", "Two Rivers"),
        ("#### The second one", "The second one"),
        ("No one is left.", None),
        ("There are 12 apples, one for each.", "12"),
    ],
)
def test_parse_answer_of_several_numbers_or_words_is_whole(text, answer):
    assert SKILL.parse(text) == answer


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
