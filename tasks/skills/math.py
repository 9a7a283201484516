"""Mathematics: a problem in words, reasoning, and a final answer that is compared by value.

Separate because the answer is the last part of a longer text, and because how much of the reasoning a student learns
is a choice. Example: "Tom has 3 boxes of 6 eggs. How many?" -> "3 * 6 = 18\n#### 18".
"""

import re
from collections.abc import Sequence
from typing import Any

from tasks.recipe.skill import Math
from tasks.skills.open import closed_answers as closed_answers
from tasks.skills.open import constraint as constraint
from tasks.skills.open import has_wording as has_wording
from tasks.skills.prompts import cases as cases
from tasks.skills.prompts import student_messages as student_messages
from tasks.skills.prompts import teacher_messages as teacher_messages
from tasks.skills.prompts import teacher_text as teacher_text
from tasks.skills.prompts import zero_shot_messages as zero_shot_messages
from tasks.skills.values import same_value

votes = Math.votes
measured = (
    "Accuracy is the share of rows whose final answer has the value of an accepted one, as math-verify finds "
    "(Wilson interval); an unreadable answer is wrong."
)

MARK = "####"
_MARKED = re.compile(rf"{MARK}[ \t]*([^\n]+)")
_SAID = re.compile(r"answer(?: is|:| =)+\s*([^\n]+)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?%?")
# the calculator's notes of GSM8K: 48/2 = <<48/2=24>>24
_NOTES = re.compile(r"<<[^<>]*>>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
# a number with its unit, as "18 dollars" or "$1,200.50 a month"
_WITH_UNIT = re.compile(r"(-?)[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?)\s*(\\?%)?(?:\s+[^\d\W][^\d=+*/^\\]*)?")


def parse(text: str, labels: Sequence[str] = (), skill: Any = None) -> str | None:
    """Return the final answer in `text`, or None where there is none.

    After the last `####`, else in the last \\boxed{}, else after the last "answer is", else the last number of the
    last line.
    """
    for found in (_last(_MARKED, text), _boxed(text), _last(_SAID, text), _last_number(text)):
        if found is not None and (answer := _bare(found)):
            return answer
    return None


def verify(answer: str, references: Sequence[str]) -> bool:
    """Return True where `answer` has the value of an accepted one; a reference may be a whole solution."""
    return any(same_value(answer, parse(reference) or reference.strip()) for reference in references)


def same(one: str, other: str) -> bool:
    """Return True for answers of the same value."""
    return same_value(one, other)


def lesson(text: str, answer: str, skill: Math) -> str:
    """Return the answer alone, or after `####` under as much of the reasoning as the recipe keeps."""
    if skill.keep_reasoning == "none":
        return answer
    reasoning = _NOTES.sub("", text.rpartition(MARK)[0] if MARK in text else text).strip()
    if skill.keep_reasoning == "short":
        reasoning = "\n".join(part.strip() for part in _SENTENCE.split(reasoning) if "=" in part)
    if _bare(reasoning) == answer:
        reasoning = ""
    return f"{reasoning}\n{MARK} {answer}" if reasoning else f"{MARK} {answer}"


def accuracy(answer: str | None, references: Sequence[str], skill: Any) -> float:
    """Return 1 where the answer has the value of an accepted one, else 0."""
    return float(answer is not None and verify(answer, references))


row_scores = {"accuracy": accuracy}


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return found[-1] if found else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + len("\\boxed"), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + len("\\boxed{") : place]
    return None


def _last_number(text: str) -> str | None:
    lines = [line for line in text.splitlines() if line.strip()]
    return _last(_NUMBER, lines[-1]) if lines else None


def _bare(answer: str) -> str:
    """Return `answer` without mathematics marks, currency, thousands commas, unit and final stop."""
    boxed = _boxed(answer)
    answer = (answer if boxed is None else boxed).strip()
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"), ("**", "**")):
        if answer.startswith(opening) and answer.rstrip(".").endswith(closing) and len(answer) > len(opening):
            answer = answer.rstrip(".").removeprefix(opening).removesuffix(closing).strip()
    answer = answer.removeprefix("\\$").rstrip(" .").strip()
    if found := _WITH_UNIT.fullmatch(answer):
        sign, number, percent = found.groups(default="")
        return sign + "".join(number.replace(",", "").split()) + percent
    return answer
