"""Question answering: a short answer, from memory or from a context in the row.

Example row: {"passage": "Dr Patel sees patients on the second floor.", "question": "On which floor does Dr Patel see
patients?", "answers": ["second", "the second floor", "2nd"]} with `columns: {text: question, context: passage,
reference: answers}`; the answer is `second`.
Source: normalisation, exact match and token F1 after the SQuAD 2.0 evaluation script (Rajpurkar et al.,
arXiv:1806.03822).
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

import regex
from pydantic import Field

from stillhouse.metrics.labels import EXACT_MATCH
from stillhouse.metrics.metric import Metric
from stillhouse.skills.leads import is_lead, without_emphasis, without_lead
from stillhouse.skills.no_answer import says_no_answer
from stillhouse.skills.skill import Skill
from stillhouse.skills.wrapped import ANSWER_KEYS, unwrapped, without_bullet, without_number
from stillhouse.text.words import spaced

_FENCE = re.compile(r"(?:```|~~~)\w*")
_BOXED = re.compile(r".*\\boxed\{(?:\\text\{)?([^{}]*)\}*.*")
_QUESTION = re.compile(r"(?:q|question|frage|pregunta|pergunta|вопрос|问题|問題|질문|प्रश्न|سؤال)\s*[:：]", re.IGNORECASE)
_QUOTES = "\"“”„‟‘’‚‛〝〞〟'`*«»‹›「」『』《》〈〉【】 "
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_DROPPED = regex.compile(r"[\p{P}\p{Cf}⁄]")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalised(answer: str) -> str:
    """Return `answer` in lower case without punctuation and English articles, with single spaces.

    For ASCII it is SQuAD's rule. Else compatibility forms are folded, punctuation of all scripts goes, and each
    character of a script without spaces stands apart, as in MLQA (Lewis et al., arXiv:1910.07475).
    """
    if not answer.isascii():
        folded = unicodedata.normalize("NFKC", answer).casefold()
        # punctuation, and format signs such as joiners
        answer = spaced(_DROPPED.sub("", folded))
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def _short_answer(text: str) -> str:
    """Return the first line that says more than "Answer:", without that, Markdown and quotes."""
    lines = [without_bullet(line.strip()) for line in unwrapped(text, ANSWER_KEYS).splitlines()]
    lines = [line for line in lines if line and not _FENCE.fullmatch(line)]
    at = 0
    while at < len(lines) - 1 and _is_before_answer(without_emphasis(lines[at]).strip()):
        at += 1
    line = "".join(lines[at : at + 1])
    line = _BOXED.sub(r"\1", line) if "\\boxed" in line else line
    return without_lead(without_number(line)).strip(_QUOTES)


def _is_before_answer(line: str) -> bool:
    return is_lead(line) or bool(_QUESTION.match(line))


def _token_f1(answer: str | None, references: Sequence[str], skill: "Qa") -> float:
    """Return the best F1 = 2 shared / (words of the answer + words of the reference), in [0, 1], over the references.

    `no_answer` overlaps only with itself.
    """
    if answer is None:
        return 0.0
    return max((_overlap(answer, reference, skill.no_answer) for reference in references), default=0.0)


def _overlap(answer: str, reference: str, no_answer: str) -> float:
    given, expected, none = (normalised(text).split() for text in (answer, reference, no_answer))
    if not given or not expected or (none and none in (given, expected)):
        return float(given == expected)
    shared = (Counter(given) & Counter(expected)).total()
    return 2 * shared / (len(given) + len(expected))


TOKEN_F1 = Metric("token_f1", "mean", _token_f1, "token F1")


class Qa(Skill):
    """A short answer to a question, from memory or from a context in the row."""

    metrics: ClassVar[tuple[Metric, ...]] = (EXACT_MATCH, TOKEN_F1)
    how_measured: ClassVar[str] = (
        "Exact match is the share of rows whose answer equals a reference without case, punctuation and English "
        "articles (Wilson interval); token F1 is the mean over rows of the best word overlap with a reference, of "
        "characters in scripts without spaces (bootstrap interval). An unreadable answer is wrong."
    )
    columns: ClassVar[tuple[str, ...]] = ("context",)
    prompt_fields: ClassVar[tuple[str, ...]] = ("no_answer",)

    kind: Literal["qa"] = Field(description="the skill's name")
    no_answer: str = Field(
        "",
        description="text of a reference and an answer that say there is no answer, such as `no answer`; empty: every "
        "question has an answer",
    )
    instruction: str = Field(
        "Answer the question in as few words as possible.{no_answer}",
        description="system prompt of teacher and zero-shot baseline; {no_answer} becomes a sentence that allows it",
    )

    @property
    def empty_reference(self) -> str:
        """What an empty list of references says: that there is no answer."""
        return self.no_answer

    def render_instruction(self, instruction: str, labels: Sequence[str]) -> str:
        """Return `instruction` with {no_answer} replaced by a sentence that allows `no_answer`."""
        allowed = f' If there is no answer, say "{self.no_answer}".' if self.no_answer else ""
        return super().render_instruction(instruction.replace("{no_answer}", allowed), labels)

    def parse(self, text: str, labels: Sequence[str] = ()) -> str | None:
        """Return the first line of `text` without "Answer:", Markdown and quotes; None if it has no letter or digit.

        A line that says there is no answer is read as `no_answer`, or as None if the recipe does not allow that.
        """
        answer = text.strip()
        while (shorter := _short_answer(answer)) != answer:
            answer = shorter
        if self.no_answer and normalised(answer) == normalised(self.no_answer):
            return self.no_answer
        if says_no_answer(answer, is_allowed=bool(self.no_answer)):
            return self.no_answer or None
        return answer if any(sign.isalnum() for sign in answer) else None

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both are equal after normalisation."""
        return normalised(one) == normalised(other)

    def is_prose(self, answer: str) -> bool:
        """Return False for the allowed `no_answer`: it is not a refusal."""
        return not self.no_answer or answer != self.no_answer
