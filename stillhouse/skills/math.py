"""Mathematics: a problem in words, reasoning, and a final answer that is compared by value.

Separate because the answer is the last part of a longer text, and because how much of the reasoning a student learns
is a choice. Example: "Tom has 3 boxes of 6 eggs. How many?" -> "3 * 6 = 18\n#### 18".
"""

import re
from collections.abc import Sequence
from typing import Any

from stillhouse.skills.free_text import closed_answers as closed_answers
from stillhouse.skills.free_text import constraint as constraint
from stillhouse.skills.free_text import has_wording as has_wording
from stillhouse.skills.math_equivalence import same_value
from stillhouse.skills.prompts import as_text as as_text
from stillhouse.skills.prompts import cases as cases
from stillhouse.skills.prompts import student_messages as student_messages
from stillhouse.skills.prompts import teacher_messages as teacher_messages
from stillhouse.skills.prompts import teacher_text as teacher_text
from stillhouse.skills.prompts import zero_shot_messages as zero_shot_messages
from stillhouse.skills.skill import Math

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
# mathematics between marks; as in Markdown a lone $ before a number is money
_DELIMITED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|(?<![\\$])\$(?!\s)([^$]+?)(?<![\s\\])\$(?!\d)")
# letters of an expression that are no words: commands, functions, and what \text{} holds
_NO_WORDS = re.compile(r"\\(?:text|mathrm)\{[^{}]*\}|\\[a-zA-Z]+|\b(?:sin|cos|tan|log|ln|exp|sqrt|pi|mod)\b")
_WORD = re.compile(r"[^\W\d_]{2,}")
_EQUALS = re.compile(r"(?<![<>!:])=")
_BULLET = re.compile(r"^[-*•]\s+")
# a number with its unit, as "18 dollars" or "$1,200.50 a month"
_WITH_UNIT = re.compile(r"(-?)[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?)\s*(\\?%)?(?:\s+[^\d\W][^\d=+*/^\\]*)?")


def parse(text: str, labels: Sequence[str] = (), skill: Any = None) -> str | None:
    """Return the final answer in `text`, or None where there is none.

    After the last `####`, else in the last \\boxed{}, else after the last "answer is", else of the last line: the line
    itself where it is an expression without words (of an equation the right side), else the last expression between
    mathematics marks, else the last number.
    """
    line = _BULLET.sub("", next((line.strip() for line in reversed(text.splitlines()) if line.strip()), ""))
    for found in (
        _last(_MARKED, text),
        _boxed(text),
        _last(_SAID, text),
        _expression(line),
        _delimited(line),
        _last(_NUMBER, line),
    ):
        if found is not None and (answer := _bare(found)):
            return answer
    return None


def verify(answer: str, references: Sequence[str]) -> bool:
    """Return True where `answer` has the value of an accepted one; a reference may be a whole solution."""
    # a reference of words and numbers, such as "Monday, 5 pm", is a final answer as it stands
    return any(
        answer == _bare(reference) or same_value(answer, parse(reference) or _bare(reference))
        for reference in references
    )


def same(one: str, other: str) -> bool:
    """Return True for answers of the same value."""
    return same_value(one, other)


def lesson(text: str, answer: str, skill: Math) -> str:
    """Return the answer alone, or after `####` under as much of the reasoning as the recipe keeps.

    An answer that would not be read again as it stands, such as a bare word, keeps its `####`.
    """
    if skill.keep_reasoning == "none":
        return answer if parse(answer) == answer else f"{MARK} {answer}"
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


def _expression(line: str) -> str | None:
    """Return `line`, of an equation its right side, where it is mathematics without words."""
    if (not any(sign.isdigit() for sign in line) and "\\" not in line) or _WORD.search(_NO_WORDS.sub(" ", line)):
        return None
    return _EQUALS.split(_bare(line))[-1].strip()


def _delimited(line: str) -> str | None:
    found = ["".join(groups) for groups in _DELIMITED.findall(line)]
    return _expression(found[-1]) if found else None


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
