"""Summarization: a short text with the main points of a long one.

A summary is not right or wrong: it is measured by its overlap with one or more references, and by its length.
Example row: {"article": "The swimming pool closes in March for repairs to its roof. It should reopen in May with new
showers.", "summaries": ["The pool closes from March to May for roof repairs."]} with `columns: {text: article,
reference: summaries}`; the answer is the summary.
Source: Chain of Density prompting after Adams et al., arXiv:2309.04269.
"""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.metrics.metric import Metric
from stillhouse.metrics.overlap import BLEU, CHRF, ROUGE_1, ROUGE_2, ROUGE_L
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.prose import Prose
from stillhouse.text.words import num_words

_DENSER = (
    "Write {rounds} summaries of it, each{limit} and as long as the one before. In each, name one to three more of the "
    "text's important facts that the one before left out, and make room by saying the rest in fewer words; drop "
    'nothing named before. Begin each on a new line with its number, as "Summary 1:"; end after "Summary {rounds}:".'
)
_NUMBERED = re.compile(r"^\W*summary\s+\d+\W*[:.\n]", re.IGNORECASE | re.MULTILINE)
_LEAD = re.compile(r"^\W*(?:here(?:'s| is)[^\n:]{0,60}|(?:short |brief )?summary|tl;?dr)\s*:\s*", re.IGNORECASE)


def _shorter(text: str) -> str:
    """Return the last of numbered summaries on one line, without one heading and the marks around it."""
    last = _NUMBERED.split(text)[-1].strip()
    return " ".join(_LEAD.sub("", last).split()).strip('*"“” ')


def _within_limit(answer: str | None, references: Sequence[str], skill: "Summarization") -> float:
    """Return 1 for a summary of at most `skill.max_words` words, else 0."""
    return float(answer is not None and (not skill.max_words or num_words(answer) <= skill.max_words))


WITHIN_LIMIT = Metric("within_limit", "share", _within_limit, "within limit")


class Summarization(Prose):
    """A short text with the main points of a long one."""

    metrics: ClassVar[tuple[Metric, ...]] = (ROUGE_L, ROUGE_1, ROUGE_2, BLEU, CHRF, WITHIN_LIMIT)
    how_measured: ClassVar[str] = (
        "ROUGE is the mean over rows of the best F1 with a reference (ROUGE-1 words, ROUGE-2 word pairs, ROUGE-L "
        "longest common sequence; case and punctuation ignored, no stemming; in scripts without spaces each character "
        "is a word); BLEU and chrF are sacrebleu's corpus scores over all references, divided by 100, BLEU with its "
        "tokenizer for the references' script (13a, zh, char or intl). These have bootstrap intervals. Within limit is "
        "the share of summaries that keep the word limit (Wilson interval); of Chinese a character counts as two "
        "thirds of a word, of kana as half, of Thai and its neighbours as a third. An unreadable answer counts as 0."
    )
    opens_with_answer: ClassVar[bool] = True
    prompt_fields: ClassVar[tuple[str, ...]] = ("max_words", "chain_of_density")

    kind: Literal["summarization"] = Field(description="the skill's name")
    max_words: int = Field(
        60,
        ge=0,
        description="most words of a summary; longer ones are not trained on; 0 sets no limit. Chinese, Japanese, Thai "
        "and other scripts without spaces count by their characters, in parts of a word",
    )
    chain_of_density: int = Field(
        0,
        ge=0,
        le=10,
        description="summaries that the teacher writes, each denser than the one before; the last is kept. 0 asks for "
        "one summary (Chain of Density, arXiv:2309.04269)",
    )
    instruction: str = Field(
        "Summarise the text{max_words}.",
        description="system prompt of teacher and zero-shot baseline; {max_words} becomes ` in at most 60 words`",
    )

    @property
    def word_limit(self) -> int:
        """The most words of a summary; 0 sets no limit."""
        return self.max_words

    def find_prompt_problems(self, prompt: TeacherPrompt) -> Iterator[str]:
        """Yield a problem if a chain of summaries has examples."""
        if self.chain_of_density and prompt.examples:
            yield f"prompt.examples: {prompt.examples} does not go with skill.chain_of_density: set one of them to 0"

    def render_instruction(self, instruction: str, labels: Sequence[str]) -> str:
        """Return `instruction` with {max_words} replaced by the limit in words."""
        limit = f" in at most {self.max_words} words" if self.max_words else ""
        return super().render_instruction(instruction.replace("{max_words}", limit), labels)

    def teacher_system(self, prompt: TeacherPrompt, labels: Sequence[str]) -> str:
        """Return the instruction; with `chain_of_density` it asks for denser and denser summaries."""
        if not self.chain_of_density:
            return super().teacher_system(prompt, labels)
        limit = f" of at most {self.max_words} words" if self.max_words else ""
        order = _DENSER.replace("{rounds}", str(self.chain_of_density)).replace("{limit}", limit)
        return self.render_instruction(f"{prompt.system or self.instruction} {order}", labels)

    def parse(self, text: str, labels: Sequence[str] = ()) -> str | None:
        """Return the summary on one line without "Summary:", the last of numbered ones; None if it has no word."""
        summary = text.strip()
        while (shorter := _shorter(summary)) != summary:
            summary = shorter
        return summary if any(sign.isalnum() for sign in summary) else None
