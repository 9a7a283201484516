"""The base of every skill: what a recipe may say of it, and what the pipeline asks of it.

A skill is one class in one file of this folder: recipe fields, prompts, parser, verifier and metrics. Its `kind` is a
Literal with the skill's name; the registry finds it by that.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.data.row import Messages, Row, prompt_text
from stillhouse.metrics.metric import Metric
from stillhouse.skills.prompts import Example, TeacherPrompt, as_list, as_turns, transcript, with_system


class Skill(FrozenModel):
    """What the student must learn; an instance is the recipe's section `skill`."""

    metrics: ClassVar[tuple[Metric, ...]]  # measured if the recipe names none; the first is compared
    how_measured: ClassVar[str]  # how the metrics are measured, for the report
    has_labels: ClassVar[bool] = False  # True: an answer is one of a fixed set of labels
    votes: ClassVar[bool] = True  # samples of a prompt can agree, so the majority's answer is the prompt's
    verifies: ClassVar[bool] = True  # an answer agrees with a reference or contradicts it
    is_dialogue: ClassVar[bool] = False  # rows are whole conversations with their recorded replies
    columns: ClassVar[tuple[str, ...]] = ()  # fields of `data.*.columns` that are for this skill only
    prompt_fields: ClassVar[tuple[str, ...]] = ()  # own recipe fields that change what a teacher is shown

    kind: str = Field(description="the skill's name")
    instruction: str = Field(description="system prompt of teacher and zero-shot baseline")
    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare prompt")

    @abstractmethod
    def parse(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the answer in a completion's text; None if it can't be read."""

    @abstractmethod
    def verify(self, answer: str, references: Sequence[str]) -> bool | None:
        """Return whether `answer` agrees with an accepted one; None if no answer can contradict one."""

    @abstractmethod
    def equivalent(self, one: str, other: str) -> bool:
        """Return whether two answers say the same."""

    @abstractmethod
    def is_prose(self, answer: str) -> bool:
        """Return whether `answer` has wording, which can refuse, repeat itself or be in the wrong language."""

    @abstractmethod
    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec that answers are decoded under, after the text `lead`; {} for none."""

    def is_correct(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` counts as right in evaluation."""
        return bool(self.verify(answer, references))

    def training_target(self, text: str, answer: str) -> str:
        """Return what a student learns to write, from a completion's or reference's `text` and its `answer`."""
        return answer

    def find_prompt_problems(self, prompt: TeacherPrompt) -> Iterator[str]:
        """Yield a line for each setting of `prompt` that this skill rules out; it begins with the teacher's field."""
        yield from ()

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels that the recipe names; empty if it names none, or for free answers."""
        return ()

    @property
    def word_limit(self) -> int:
        """Words that an answer may have; 0 for any number."""
        return 0

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        """Return the names of the skill's metrics, the compared one first."""
        return tuple(metric.name for metric in cls.metrics)

    def cases(self, row: Row) -> list[Row]:
        """Return the prompts of a row as rows of their own, each with one answer; mostly the row itself."""
        return [row]

    def as_text(self, messages: Messages) -> str:
        """Return a prompt as plain text, for labelled examples and reports: the user's words."""
        return prompt_text(messages)

    def render_instruction(self, instruction: str, labels: Sequence[str]) -> str:
        """Return `instruction` with {labels} replaced by the list, and the skill's own placeholders."""
        # not str.format: an instruction may hold other braces, such as a JSON example
        return instruction.replace("{labels}", ", ".join(labels))

    def teacher_messages(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> Messages:
        """Return the teacher's turns: instruction, `examples` in the order given, then the row's."""
        system = self.render_instruction(prompt.system or self.instruction, labels)
        if prompt.layout == "list":
            return with_system("\n\n".join([system, *as_list(prompt, examples)]), [], row_messages)
        return with_system(system, as_turns(examples), row_messages)

    def teacher_text(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> str:
        """Return the teacher's prompt as plain text that ends before the answer, for layout `text`."""
        heading = self.render_instruction(prompt.system or self.instruction, labels)
        # with other turns than the user's, all are shown: no two prompts may look the same
        is_plain = all(turn["role"] == "user" for turn in row_messages)
        text = self.as_text(row_messages) if is_plain else transcript(row_messages)
        last = f"{prompt.input_name}: {text}\n{prompt.output_name}:"
        return "\n\n".join([heading, *as_list(prompt, examples), last])

    def zero_shot_messages(self, row_messages: Messages, labels: Sequence[str]) -> Messages:
        """Return the turns that an untrained model is asked with: the instruction, then the row's."""
        return with_system(self.render_instruction(self.instruction, labels), [], row_messages)

    def student_messages(self, row_messages: Messages, labels: Sequence[str]) -> Messages:
        """Return the turns that the student sees: the row's, after `student_instruction` if there is one."""
        return with_system(self.render_instruction(self.student_instruction, labels), [], row_messages)
