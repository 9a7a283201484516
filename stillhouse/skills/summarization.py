"""Summaries: a short text that says what a long one does.

Separate because no summary is plainly right or wrong: it is measured by what it shares with one or more references,
and its length is held.
Source: Chain of Density prompting after Adams et al., arXiv:2309.04269.
"""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.data.row import Messages, normalise
from stillhouse.skills import prompts
from stillhouse.skills.free_text import closed_answers as closed_answers
from stillhouse.skills.free_text import constraint as constraint
from stillhouse.skills.free_text import has_wording as has_wording
from stillhouse.skills.free_text import lesson as lesson
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.prompts import as_text as as_text
from stillhouse.skills.prompts import cases as cases
from stillhouse.skills.prompts import student_messages as student_messages
from stillhouse.skills.prompts import zero_shot_messages as zero_shot_messages
from stillhouse.skills.skill import Summarization

votes = Summarization.votes
measured = (
    "ROUGE is the mean over rows of the best F1 with a reference (ROUGE-1 words, ROUGE-2 word pairs, ROUGE-L longest "
    "common sequence; case and punctuation ignored, no stemming); BLEU and chrF are sacrebleu's corpus scores over all "
    "references, divided by 100. These have bootstrap intervals. Within limit is the share of summaries of at most the "
    "words asked for (Wilson interval). An unreadable answer counts 0."
)

_DENSER = (
    "Write {rounds} summaries of it, each{limit} and as long as the one before. In each, name one to three more of the "
    "text's important facts that the one before left out, and make room by saying the rest in fewer words; drop "
    'nothing named before. Begin each on a new line with its number, as "Summary 1:"; end after "Summary {rounds}:".'
)
_NUMBERED = re.compile(r"^\W*summary\s+\d+\W*[:.\n]", re.IGNORECASE | re.MULTILINE)
_LEAD = re.compile(r"^\W*(?:here(?:'s| is)[^\n:]{0,60}|(?:short |brief )?summary|tl;?dr)\s*:\s*", re.IGNORECASE)


def teacher_messages(
    row_messages: Messages,
    skill: Summarization,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> Messages:
    """Return the teacher's turns, with the order to write denser and denser summaries where the recipe wants it."""
    return prompts.teacher_messages(row_messages, skill, _denser(prompt, skill), labels, examples)


def teacher_text(
    row_messages: Messages,
    skill: Summarization,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> str:
    """Return the teacher's prompt as plain text, as `teacher_messages` does in turns."""
    return prompts.teacher_text(row_messages, skill, _denser(prompt, skill), labels, examples)


def parse(text: str, labels: Sequence[str] = (), skill: Any = None) -> str | None:
    """Return the summary on one line, without "Summary:"; of numbered ones the last; None for no words."""
    last = _NUMBERED.split(text)[-1]
    summary = " ".join(_LEAD.sub("", last.strip()).split()).strip('*"“” ')
    return summary if any(sign.isalnum() for sign in summary) else None


def verify(answer: str, references: Sequence[str]) -> bool | None:
    """Return None: a summary worded otherwise contradicts no reference."""
    return None


def same(one: str, other: str) -> bool:
    """Return True for the same words."""
    return normalise(one) == normalise(other)


def within_limit(answer: str | None, references: Sequence[str], skill: Summarization) -> float:
    """Return 1 for a summary of at most `skill.max_words` words, else 0."""
    return float(answer is not None and (not skill.max_words or len(answer.split()) <= skill.max_words))


def rouge(name: str) -> Callable[[str | None, Sequence[str], Any], float]:
    """Return the score by that ROUGE: F1 in [0, 1] with the nearest of the references."""

    def score(answer: str | None, references: Sequence[str], skill: Any) -> float:
        if answer is None:
            return 0.0
        return float(_scorer(name).score_multi(list(references), answer)[name].fmeasure)

    return score


row_scores = {
    "rouge_1": rouge("rouge1"),
    "rouge_2": rouge("rouge2"),
    "rouge_l": rouge("rougeL"),
    "within_limit": within_limit,
}


def _denser(prompt: TeacherPrompt, skill: Summarization) -> TeacherPrompt:
    if not skill.chain_of_density:
        return prompt
    limit = f" of at most {skill.max_words} words" if skill.max_words else ""
    order = _DENSER.replace("{rounds}", str(skill.chain_of_density)).replace("{limit}", limit)
    return prompt.model_copy(update={"system": f"{prompt.system or skill.instruction} {order}"})


@functools.cache
def _scorer(name: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    class Words:
        """Words of any script; the library's own tokenizer drops all but a-z and 0-9."""

        def tokenize(self, text: str) -> list[str]:
            return normalise(text).split()

    return RougeScorer([name], tokenizer=Words())
