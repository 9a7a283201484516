"""Mathematics: a word problem, reasoning, and a final answer that is compared by value.

Example row: {"problem": "A box holds 12 eggs. How many eggs are in 9 boxes?", "solution": "9 boxes hold 9 * 12 = 108
eggs.\\n#### 108"} with `columns: {text: problem, reference: solution}`; the answer is `108`.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.metrics.labels import ACCURACY
from stillhouse.metrics.metric import Metric
from stillhouse.skills.math_equivalence import same_value
from stillhouse.skills.skill import Skill

MARK = "####"
_MARKED = re.compile(rf"{MARK}[ \t]*([^\n]+)")
_STATED = re.compile(r"answer(?: is|:| =)+\s*([^\n]+)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?%?")
# GSM8K's notes for a calculator: 48/2 = <<48/2=24>>24
_NOTES = re.compile(r"<<[^<>]*>>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
# mathematics between marks; a single $ before a number is money, as in Markdown
_DELIMITED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|(?<![\\$])\$(?!\s)([^$]+?)(?<![\s\\])\$(?!\d)")
# letters of an expression that are not words: commands, functions, and the content of \text{}
_NO_WORDS = re.compile(r"\\(?:text|mathrm)\{[^{}]*\}|\\[a-zA-Z]+|\b(?:sin|cos|tan|log|ln|exp|sqrt|pi|mod)\b")
_WORD = re.compile(r"[^\W\d_]{2,}")
_EQUALS = re.compile(r"(?<![<>!:])=")
_BULLET = re.compile(r"^[-*•]\s+")
# a number with its unit, as "18 dollars" or "$1,200.50 a month"
_WITH_UNIT = re.compile(r"(-?)[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?)\s*(\\?%)?(?:\s+[^\d\W][^\d=+*/^\\]*)?")


class Math(Skill):
    """A word problem whose final answer is compared by value."""

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY,)
    how_measured: ClassVar[str] = (
        "Accuracy is the share of rows whose final answer has the value of a reference, compared by math-verify "
        "(Wilson interval); an unreadable answer is wrong."
    )

    kind: Literal["math"] = Field(description="the skill's name")
    keep_reasoning: Literal["full", "short", "none"] = Field(
        "full",
        description="what a student learns to write before the answer. full: all that the teacher wrote; short: the "
        "sentences with an equation; none: the answer alone",
    )
    instruction: str = Field(
        "Solve the problem step by step. End with a line that holds #### and the final answer alone.",
        description="system prompt of teacher and zero-shot baseline",
    )

    def parse(self, text: str, labels: Sequence[str] = ()) -> str | None:
        """Return the final answer in `text`; None if there is none."""
        return final_answer(text)

    def verify(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` has the value of a reference, which can be a whole solution."""
        # a reference of words and numbers, such as "Monday, 5 pm", is compared as it is
        return any(
            answer == _bare(reference) or same_value(answer, final_answer(reference) or _bare(reference))
            for reference in references
        )

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both have the same value."""
        return same_value(one, other)

    def training_target(self, text: str, answer: str) -> str:
        """Return the answer alone, or the reasoning that the recipe keeps, followed by `####` and the answer.

        An answer that `parse` would not find without `####`, such as a bare word, keeps it.
        """
        if self.keep_reasoning == "none":
            return answer if final_answer(answer) == answer else f"{MARK} {answer}"
        reasoning = _NOTES.sub("", text.rpartition(MARK)[0] if MARK in text else text).strip()
        if self.keep_reasoning == "short":
            reasoning = "\n".join(part.strip() for part in _SENTENCE.split(reasoning) if "=" in part)
        if _bare(reasoning) == answer:
            reasoning = ""
        return f"{reasoning}\n{MARK} {answer}" if reasoning else f"{MARK} {answer}"


def final_answer(text: str) -> str | None:
    """Return the final answer in `text`; None if there is none.

    These places are tried in turn: after the last `####`; in the last \\boxed{}; after the last "answer is"; the last
    line if it is an expression without words (of an equation the right side); the last expression between mathematics
    marks in the last line; the last number in it.
    """
    line = _BULLET.sub("", next((line.strip() for line in reversed(text.splitlines()) if line.strip()), ""))
    for candidate in (
        _last(_MARKED, text),
        _boxed(text),
        _last(_STATED, text),
        _expression(line),
        _delimited(line),
        _last(_NUMBER, line),
    ):
        if candidate is not None and (answer := _bare(candidate)):
            return answer
    return None


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return found[-1] if found else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for at in range(start + len("\\boxed"), len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start + len("\\boxed{") : at]
    return None


def _expression(line: str) -> str | None:
    """Return `line`, or the right side of an equation, if it is mathematics without words; else None."""
    if (not any(sign.isdigit() for sign in line) and "\\" not in line) or _WORD.search(_NO_WORDS.sub(" ", line)):
        return None
    return _EQUALS.split(_bare(line))[-1].strip()


def _delimited(line: str) -> str | None:
    found = ["".join(groups) for groups in _DELIMITED.findall(line)]
    return _expression(found[-1]) if found else None


def _bare(answer: str) -> str:
    """Return `answer` without mathematics marks, currency, thousands separators, unit and final full stop."""
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
