"""Question answering: a short answer, from memory or from a context in the prompt.

Separate because answers count as equal by the rules of SQuAD, and because to give none can be right.
Example: "Who wrote Emma?" -> "Jane Austen".
Source: normalisation, exact match and token F1 after the SQuAD 2.0 evaluation script (Rajpurkar et al.,
arXiv:1806.03822).
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

from stillhouse.skills.free_text import closed_answers as closed_answers
from stillhouse.skills.free_text import constraint as constraint
from stillhouse.skills.free_text import lesson as lesson
from stillhouse.skills.prompts import as_text as as_text
from stillhouse.skills.prompts import cases as cases
from stillhouse.skills.prompts import student_messages as student_messages
from stillhouse.skills.prompts import teacher_messages as teacher_messages
from stillhouse.skills.prompts import teacher_text as teacher_text
from stillhouse.skills.prompts import zero_shot_messages as zero_shot_messages
from stillhouse.skills.skill import Qa

votes = Qa.votes
measured = (
    "Exact match is the share of rows whose answer equals an accepted one after case, punctuation and articles are "
    "taken off (Wilson interval); token F1 is the mean over rows of the best word overlap with an accepted answer "
    "(bootstrap interval). An unreadable answer is wrong."
)

_LEAD = re.compile(r"^(?:the )?(?:short |final )?answer(?: is)?\s*:\s*", re.IGNORECASE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# said instead of an answer; only a whole line counts, since "unknown" may well be part of one
_NONE = re.compile(
    r"(?:(?:sorry|unfortunately)\W+)?"
    r"(?:i (?:do not|don't|can't|cannot|am not able to|'m not sure)\b[^.]*"
    r"|(?:there is |it has )?no (?:answer|information)(?: (?:available|given|provided))?"
    r"|(?:it |this |the question )?(?:is )?(?:unknown|unanswerable|not (?:known|stated|given|mentioned|specified)"
    r"|not enough information|n/?a)(?: (?:in|by) the (?:context|passage|text))?"
    r"|(?:this |it |the question )?can(?:not|'t) be answered[^.]*"
    r"|the (?:context|passage|text) (?:does not|doesn't) (?:say|state|mention|tell|give|specify|contain)\b[^.]*)\W*",
    re.IGNORECASE,
)


def parse(text: str, labels: Sequence[str] = (), skill: Any = None) -> str | None:
    """Return the first line of `text` as the answer, without "Answer:" and quotes; None where it holds none.

    What says that there is no answer is read as the skill's `no_answer`, or as none where the skill allows none.
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    answer = _LEAD.sub("", line).strip().strip("\"“”'`*").strip()
    allowed = skill.no_answer if skill is not None else ""
    if allowed and normalised(answer) == normalised(allowed):
        return str(allowed)
    if _NONE.fullmatch(answer.replace("’", "'")):
        return str(allowed) or None
    return answer if any(sign.isalnum() for sign in answer) else None


def has_wording(answer: str, skill: Any) -> bool:
    """Return False for the allowed `no_answer`: it refuses rightly."""
    return not skill.no_answer or answer != skill.no_answer


def verify(answer: str, references: Sequence[str]) -> bool:
    """Return True where `answer` equals an accepted one after normalisation."""
    return any(same(answer, reference) for reference in references)


def same(one: str, other: str) -> bool:
    """Return True for answers that are equal after normalisation."""
    return normalised(one) == normalised(other)


def normalised(answer: str) -> str:
    """Return `answer` in lower case without ASCII punctuation and articles, with single spaces."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str | None, references: Sequence[str], skill: Any) -> float:
    """Return 1 where the answer equals an accepted one, else 0."""
    return float(answer is not None and verify(answer, references))


def token_f1(answer: str | None, references: Sequence[str], skill: Any) -> float:
    """Return the best F1 = 2 shared / (words of the answer + words of the reference), in [0, 1], over the references.

    `no_answer` overlaps with nothing but itself.
    """
    if answer is None:
        return 0.0
    return max((_overlap(answer, reference, skill.no_answer) for reference in references), default=0.0)


def _overlap(answer: str, reference: str, no_answer: str) -> float:
    said, wanted, none = (normalised(text).split() for text in (answer, reference, no_answer))
    if not said or not wanted or (none and none in (said, wanted)):
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))


row_scores = {"exact_match": exact_match, "token_f1": token_f1}
