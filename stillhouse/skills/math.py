"""Mathematics: a word problem, reasoning, and a final answer that is compared by value.

Example row: {"problem": "A box holds 12 eggs. How many eggs are in 9 boxes?", "solution": "9 boxes hold 9 * 12 = 108
eggs.\\n#### 108"} with `columns: {text: problem, reference: solution}`; the answer is `108`.
"""

import functools
import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.metrics.labels import ACCURACY
from stillhouse.metrics.metric import Metric
from stillhouse.skills.leads import ANSWER_NAMES, IS, without_emphasis
from stillhouse.skills.math_amount import read_amount
from stillhouse.skills.math_equivalence import compare
from stillhouse.skills.math_phrases import last_phrase
from stillhouse.skills.math_quantity import read_quantity, tidy
from stillhouse.skills.math_signs import fold_signs
from stillhouse.skills.math_units import CURRENCY, UNITS
from stillhouse.skills.number_words import with_digits
from stillhouse.skills.skill import Skill

MARK = "####"
_MARKED = re.compile(rf"{MARK}[ \t]*([^\n]+)")
_STATED = re.compile(rf"(?:{ANSWER_NAMES})(?:\s*(?:[:：]|{IS}))+\s*([^\n]+)", re.IGNORECASE)
# where a number can begin: a minus between two values is no sign of the second
_START = re.compile(rf"(?<![\w.,/^\\])(?:(?<![)}}%] )[-+](?=[\d$.]))?(?:{CURRENCY})?\s?-?(?:\d|\.\d)", re.IGNORECASE)
_COMPARED = re.compile(r"\S*\s+(?:(?:more|less|fewer|greater|smaller) than|times)\b", re.IGNORECASE)
_DOLLARS = re.compile(r"us\$|\\?\$|\b(?:dollars?|usd|bucks)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"\s*(?:\(|,\s|;|[.!?]\s|\s(?:because|since|which|as|so)\s)")
# GSM8K's notes for a calculator: 48/2 = <<48/2=24>>24
_NOTES = re.compile(r"<<[^<>]*>>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
# mathematics between marks; a single $ before a number is money, as in Markdown
_DELIMITED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|(?<![\\$])\$(?!\s)([^$]+?)(?<![\s\\])\$(?!\d)")
# letters of an expression that are not words: commands, functions, and the content of \text{}
_NO_WORDS = re.compile(
    r"\\(?:text|mathrm)\{[^{}]*\}|\\[a-zA-Z]+|\b(?:sin|cos|tan|log|ln|exp|sqrt|pi|mod|and|or|to)(?![^\W\d_])"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLAIN = re.compile(r"-?\d+")
_EQUALS = re.compile(r"(?<![<>!:])=")
_ASSIGNED = re.compile(r"(?:^|[,;]|\band\b|\bor\b)\s*[a-zA-Z](?:_\w+)?\s*=")
_CALCULATION = re.compile(r"[\d\s.,+\-*/×÷()$%^=]+")
_BULLET = re.compile(r"^(?:[*•]|-(?=\s))\s+")


class Math(Skill):
    """A word problem whose final answer is compared by value."""

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY,)
    how_measured: ClassVar[str] = (
        "Accuracy is the share of rows whose final answer has the value of a reference, compared by math-verify "
        "(Wilson interval); an unreadable answer, and one that can't be compared, is wrong. Units must agree "
        "where both answers have one. Number words are read in English, digits in every script."
    )

    shows_steps: ClassVar[bool] = True
    target_version: ClassVar[int] = 2  # equations without a word are kept

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

    def verify(self, answer: str, references: Sequence[str]) -> bool | None:
        """Return whether `answer` has the value of a reference, which can be a whole solution.

        None if it agrees with none and there is one that it can't be compared with.
        """
        found = [_agrees(answer, reference) for reference in references]
        return True if True in found else None if None in found else False

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both surely have the same value."""
        return compare(one, other) is True

    def training_target(self, text: str, answer: str) -> str:
        """Return the answer alone, or the reasoning that the recipe keeps, followed by `####` and the answer.

        An answer that `parse` would not find without `####`, such as a bare word, keeps it.
        """
        if self.keep_reasoning == "none":
            return answer if final_answer(answer) == answer else f"{MARK} {answer}"
        reasoning = _NOTES.sub("", text.rpartition(MARK)[0] if MARK in text else text).strip()
        if self.keep_reasoning == "short":
            reasoning = "\n".join(part.strip() for part in _SENTENCE.split(reasoning) if "=" in part)
        # the answer alone is no reasoning; equations that come to it are
        if not _is_calculation(reasoning) and _bare(reasoning) == answer:
            reasoning = ""
        return f"{reasoning}\n{MARK} {answer}" if reasoning else f"{MARK} {answer}"

    def answer_alone(self, answer: str) -> str:
        """Return the answer behind `####`, where it stands behind steps too."""
        return f"{MARK} {answer}"


def _agrees(answer: str, reference: str) -> bool | None:
    # a reference of words and numbers, such as "Monday, 5 pm" or "5 to 7", is compared as it is
    if "\n" not in reference:
        if read_amount(tidy(reference)):
            return compare(answer, reference)
        whole = _bare(reference)
        if answer == whole or compare(answer, whole) is True:
            return True
    return compare(answer, final_answer(reference) or _bare(reference))


def final_answer(text: str) -> str | None:
    """Return the final answer in `text`; None if there is none.

    These places are tried in turn: after the last `####`; in the last \\boxed{}; after the last "answer is"; the last
    line if it is an expression without words (of an equation the right side); the last expression between mathematics
    marks in the last line; the last number in it.
    """
    text = fold_signs(text)
    line = _BULLET.sub("", next((line.strip() for line in reversed(text.splitlines()) if line.strip()), ""))
    places: tuple[Callable[[], str | None], ...] = (
        lambda: _last(_MARKED, text),
        lambda: _boxed(text),
        lambda: _last(_STATED, text),
        lambda: _expression(line),
        lambda: _delimited(line),
        lambda: _last_number(line),
    )
    # later places cost more, and are looked at only if the earlier ones hold nothing
    return next((answer for place in places if (answer := _bare(place() or ""))), None)


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
    line = _bare(line)
    if len(_ASSIGNED.findall(line)) > 1:  # x = 2, y = 3
        return line
    *left, right = (side.strip() for side in _EQUALS.split(line))
    is_name = len(right) == 1 and right.isalpha() and len(left) == 1
    return left[0] if is_name else right


def _delimited(line: str) -> str | None:
    found = ["".join(groups) for groups in _DELIMITED.findall(line)]
    return _expression(found[-1]) if found else None


def _last_number(line: str) -> str | None:
    """Return the last number of a line with its unit or scale; None if that is only a part of what is said."""
    line = without_emphasis(line)
    line = tidy(line if any(map(str.isdigit, line)) else with_digits(line))
    starts = list(_START.finditer(line))
    if not starts:
        return None
    if phrase := last_phrase(line, [found.end() - 1 for found in starts[-2:]]):
        return phrase
    rest = line[starts[-1].start() :].strip()
    if _COMPARED.match(rest):
        return None
    words = rest.split(" ")
    for count in range(min(len(words), 5), 0, -1):
        part = " ".join(words[:count]).rstrip(".,;:!?)")
        quantity = read_quantity(part)
        if quantity and (quantity.end == len(part) or count == 1):
            return part
    number = re.match(rf"[-+]?(?:{CURRENCY})?\s?-?[\d.]*\d(?:/\d+)?%?", rest, re.IGNORECASE)
    return number.group() if number else None


@functools.lru_cache(maxsize=65_536)
def _bare(answer: str) -> str:
    """Return `answer` without mathematics marks, thousands separators, a counted thing, dollars and final full stop."""
    if _PLAIN.fullmatch(answer):  # most answers; the same as below, at once
        return answer
    boxed = _boxed(answer)
    answer = without_emphasis((answer if boxed is None else boxed).strip()).strip("*` ")
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"), ("**", "**")):
        if answer.startswith(opening) and answer.rstrip(".").endswith(closing) and len(answer) > len(opening):
            answer = answer.rstrip(".").removeprefix(opening).removesuffix(closing).strip()
    answer = answer.rstrip(" .").strip()
    plain = tidy(answer)
    first = _CLAUSE.split(plain)[0].strip().strip("$") if _WORD.search(_NO_WORDS.sub(" ", plain)) else plain
    for part in (plain, first, plain.rpartition("=")[2].strip() if _is_calculation(plain) else ""):
        if (amount := read_amount(part)) is not None:
            quantity, numbered = amount
            number = numbered[: quantity.end].strip()
            is_dollars = quantity.unit is not None and quantity.unit == UNITS["$"]
            return _DOLLARS.sub("", number).strip() if is_dollars and not quantity.units else number
    return plain


def _is_calculation(text: str) -> bool:
    """Return whether numbers and signs alone precede the last equals sign, as in 3 * 4 = 12 eggs."""
    left = text.rpartition("=")[0]
    return bool(_CALCULATION.fullmatch(left)) and any(map(str.isdigit, left))
