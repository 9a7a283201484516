"""Summarization: a short text that says what a long one does.

No summary is plainly right or wrong: it is measured by what it shares with one or more references, and by its length.
Example row: {"article": "The swimming pool closes in March for repairs to its roof. It should reopen in May with new
showers.", "summaries": ["The pool closes from March to May for roof repairs."]} with `columns: {text: article,
reference: summaries}`; the answer is the summary.
Source: Chain of Density prompting after Adams et al., arXiv:2309.04269.
"""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.data.row import Messages
from stillhouse.metrics.metric import Metric
from stillhouse.metrics.overlap import BLEU, CHRF, ROUGE_1, ROUGE_2, ROUGE_L
from stillhouse.skills.free_text import Prose
from stillhouse.skills.prompts import Example, TeacherPrompt

_DENSER = (
    "Write {rounds} summaries of it, each{limit} and as long as the one before. In each, name one to three more of the "
    "text's important facts that the one before left out, and make room by saying the rest in fewer words; drop "
    'nothing named before. Begin each on a new line with its number, as "Summary 1:"; end after "Summary {rounds}:".'
)
_NUMBERED = re.compile(r"^\W*summary\s+\d+\W*[:.\n]", re.IGNORECASE | re.MULTILINE)
_LEAD = re.compile(r"^\W*(?:here(?:'s| is)[^\n:]{0,60}|(?:short |brief )?summary|tl;?dr)\s*:\s*", re.IGNORECASE)


def _within_limit(answer: str | None, references: Sequence[str], skill: "Summarization") -> float:
    """Return 1 for a summary of at most `skill.max_words` words, else 0."""
    return float(answer is not None and (not skill.max_words or len(answer.split()) <= skill.max_words))


WITHIN_LIMIT = Metric("within_limit", "share", _within_limit, "within limit")


class Summarization(Prose):
    """A short text that says what a long one does."""

    metrics: ClassVar[tuple[Metric, ...]] = (ROUGE_L, ROUGE_1, ROUGE_2, BLEU, CHRF, WITHIN_LIMIT)
    how_measured: ClassVar[str] = (
        "ROUGE is the mean over rows of the best F1 with a reference (ROUGE-1 words, ROUGE-2 word pairs, ROUGE-L "
        "longest common sequence; case and punctuation ignored, no stemming); BLEU and chrF are sacrebleu's corpus "
        "scores over all references, divided by 100. These have bootstrap intervals. Within limit is the share of "
        "summaries of at most the words asked for (Wilson interval). An unreadable answer counts 0."
    )
    prompt_fields: ClassVar[tuple[str, ...]] = ("max_words", "chain_of_density")

    kind: Literal["summarization"] = Field(description="the skill's name")
    max_words: int = Field(
        60, ge=0, description="words a summary may have; longer ones are not trained on; 0 sets no limit"
    )
    chain_of_density: int = Field(
        0,
        ge=0,
        le=10,
        description="summaries the teacher writes one after the other, each denser than the one before, of which the "
        "last is kept; 0 asks for one summary (Chain of Density, arXiv:2309.04269)",
    )
    instruction: str = Field(
        "Summarise the text{max_words}.",
        description="system prompt of teacher and zero-shot baseline; {max_words} becomes ` in at most 60 words`",
    )

    @property
    def word_limit(self) -> int:
        """Words that a summary may have; 0 for any number."""
        return self.max_words

    def find_prompt_problems(self, prompt: TeacherPrompt) -> Iterator[str]:
        """Yield that a chain of summaries goes without examples."""
        if self.chain_of_density and prompt.examples:
            yield f"prompt.examples: {prompt.examples}, but skill.chain_of_density goes without examples: set it to 0"

    def render_instruction(self, instruction: str, labels: Sequence[str]) -> str:
        """Return `instruction` with {max_words} replaced by the words that set the limit."""
        limit = f" in at most {self.max_words} words" if self.max_words else ""
        return super().render_instruction(instruction.replace("{max_words}", limit), labels)

    def teacher_messages(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> Messages:
        """Return the teacher's turns, with the order to write denser and denser summaries if the recipe asks for it."""
        return super().teacher_messages(row_messages, self._denser(prompt), labels, examples)

    def teacher_text(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> str:
        """Return the teacher's prompt as plain text, with the same order."""
        return super().teacher_text(row_messages, self._denser(prompt), labels, examples)

    def parse(self, text: str, labels: Sequence[str] = ()) -> str | None:
        """Return the summary on one line, without "Summary:"; of numbered ones the last; None without any word."""
        last = _NUMBERED.split(text)[-1]
        summary = " ".join(_LEAD.sub("", last.strip()).split()).strip('*"“” ')
        return summary if any(sign.isalnum() for sign in summary) else None

    def _denser(self, prompt: TeacherPrompt) -> TeacherPrompt:
        if not self.chain_of_density:
            return prompt
        limit = f" of at most {self.max_words} words" if self.max_words else ""
        order = _DENSER.replace("{rounds}", str(self.chain_of_density)).replace("{limit}", limit)
        return prompt.model_copy(update={"system": f"{prompt.system or self.instruction} {order}"})
