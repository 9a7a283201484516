"""The base class of every skill.

A skill is one class in one file of this folder: recipe fields, prompts, parser, verifier and metrics. Its `kind` is a
Literal with the skill's name, by which the registry finds it.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.data.row import Messages, Row, prompt_text
from stillhouse.data.tool_calls import take_tools, tools_as_text
from stillhouse.metrics.metric import Metric
from stillhouse.skills.prompts import Example, TeacherPrompt, as_list, as_turns, transcript, with_system


class Skill(FrozenModel):
    """What the student must learn. An instance is the recipe's section `skill`. By default an answer is free text."""

    metrics: ClassVar[tuple[Metric, ...]]  # measured if the recipe names none; models are compared by the first
    how_measured: ClassVar[str]  # how the metrics are measured, for the report
    has_labels: ClassVar[bool] = False  # an answer is one of a fixed set of labels
    votes: ClassVar[bool] = True  # samples of a prompt can agree, so that the majority's answer is kept
    verifies: ClassVar[bool] = True  # an answer agrees with a reference or contradicts it
    shows_steps: ClassVar[bool] = False  # an answer's text shows the reasoning that came to it
    opens_with_answer: ClassVar[bool] = False  # a text's first words can stand for its answer
    is_dialogue: ClassVar[bool] = False  # rows are whole conversations with recorded replies
    columns: ClassVar[tuple[str, ...]] = ()  # fields of `data.*.columns` that only this skill has
    # of training_target: one more when it makes another target of the same text
    target_version: ClassVar[int] = 1
    prompt_fields: ClassVar[tuple[str, ...]] = ()  # the skill's fields that change what a teacher is shown

    kind: str = Field(description="the skill's name")
    instruction: str = Field(description="system prompt of teacher and zero-shot baseline")
    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare prompt")

    @abstractmethod
    def parse(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the answer in a completion's text; None if it can't be read."""

    @abstractmethod
    def equivalent(self, one: str, other: str) -> bool:
        """Return whether two answers mean the same."""

    def verify(self, answer: str, references: Sequence[str]) -> bool | None:
        """Return whether `answer` means the same as a reference; None if no answer can contradict a reference."""
        return any(self.equivalent(answer, reference) for reference in references)

    def is_prose(self, answer: str) -> bool:
        """Return whether `answer` is text that can refuse, repeat itself or be in the wrong language."""
        return True

    def wording(self, text: str) -> str:
        """Return what of a completion or answer is worded, and not in a form such as a call of a tool."""
        return text

    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec for decoding an answer after the text `lead`; {} for none."""
        return {}

    def is_correct(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` counts as correct in evaluation."""
        return bool(self.verify(answer, references))

    def training_target(self, text: str, answer: str) -> str:
        """Return what a student learns to write, from a completion's or reference's `text` and the `answer` in it."""
        return answer

    def answer_alone(self, answer: str) -> str:
        """Return what a student learns to write if it is taught the answer without the steps that came to it."""
        return answer

    def find_prompt_problems(self, prompt: TeacherPrompt) -> Iterator[str]:
        """Yield a line for each setting of `prompt` that does not fit this skill, beginning with its field."""
        yield from ()

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels that the recipe names; empty if it names none, or for free answers."""
        return ()

    @property
    def empty_reference(self) -> str:
        """What an empty list of references says; empty if it says nothing."""
        return ""

    @property
    def word_limit(self) -> int:
        """The most words of an answer; 0 sets no limit."""
        return 0

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        """Return the names of the skill's metrics. Models are compared by the first."""
        return tuple(metric.name for metric in cls.metrics)

    def cases(self, row: Row) -> list[Row]:
        """Return a row for each prompt in `row`; for most skills the row itself."""
        return [row]

    def as_text(self, messages: Messages) -> str:
        """Return a prompt as plain text, for labelled examples and reports: the user's turns."""
        return prompt_text(messages)

    def render_instruction(self, instruction: str, labels: Sequence[str]) -> str:
        """Return `instruction` with {labels} and the skill's own placeholders replaced."""
        # not str.format: an instruction can hold other braces, such as a JSON example
        return instruction.replace("{labels}", ", ".join(labels))

    def teacher_system(self, prompt: TeacherPrompt, labels: Sequence[str]) -> str:
        """Return the instruction that a teacher is shown."""
        return self.render_instruction(prompt.system or self.instruction, labels)

    def teacher_messages(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> Messages:
        """Return the teacher's turns: instruction, `examples` in the given order, then the row's turns."""
        system = self.teacher_system(prompt, labels)
        if prompt.layout == "list":
            return with_system("\n\n".join([system, *as_list(prompt, examples)]), [], row_messages)
        return with_system(system, as_turns(examples), row_messages)

    def teacher_text(
        self, row_messages: Messages, prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Example]
    ) -> str:
        """Return the teacher's prompt as plain text that ends before the answer, for layout `text`."""
        row_messages, tools = take_tools(row_messages)
        told = [tools_as_text(tools)] if tools else []
        # all turns are shown if there are others than the user's: two rows must not give the same prompt
        is_plain = all(turn["role"] == "user" for turn in row_messages)
        text = self.as_text(row_messages) if is_plain else transcript(row_messages)
        last = f"{prompt.input_name}: {text}\n{prompt.output_name}:"
        return "\n\n".join([self.teacher_system(prompt, labels), *told, *as_list(prompt, examples), last])

    def zero_shot_messages(self, row_messages: Messages, labels: Sequence[str]) -> Messages:
        """Return the turns that an untrained model sees: the instruction, then the row's turns."""
        return with_system(self.render_instruction(self.instruction, labels), [], row_messages)

    def student_messages(self, row_messages: Messages, labels: Sequence[str]) -> Messages:
        """Return the turns that the student sees: `student_instruction` if there is one, then the row's turns."""
        return with_system(self.render_instruction(self.student_instruction, labels), [], row_messages)
