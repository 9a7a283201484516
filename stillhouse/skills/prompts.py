"""What teacher, zero-shot baseline and student are shown: instruction, labelled examples and the row's turns.

Separate because every skill is asked in the same layouts; a skill with a way of its own overrides one function.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.data.row import Messages, prompt_text


class TeacherPrompt(FrozenModel):
    """What the teacher sees beyond the student's prompt."""

    system: str = Field("", description="what stands first; empty takes the skill's instruction; {labels} is filled in")
    examples: int = Field(0, ge=0, le=256, description="labelled examples in each prompt; per label with *_per_label")
    selection: Literal["nearest", "nearest_per_label", "fixed_per_label"] = Field(
        "nearest",
        description="nearest: the most similar; nearest_per_label: the most similar of each label; fixed_per_label: "
        "the same for every prompt, so that an engine computes them once",
    )
    retriever: Literal["tfidf", "bm25"] = Field("tfidf", description="what similar means, for nearest*")
    seed: int = Field(0, ge=0, description="seed of the choice and order of examples, for fixed_per_label")
    layout: Literal["turns", "list", "text"] = Field(
        "turns",
        description="turns: examples as chat turns; list: in the system prompt; text: plain text without the chat "
        "template, which small and base models continue best; free answers then need sampling.stop",
    )
    input_name: str = Field("Message", min_length=1, description="what stands before a message, in list and text")
    output_name: str = Field("Label", min_length=1, description="what stands before an answer, in list and text")


def cases(row: dict[str, Any], skill: Any) -> list[dict[str, Any]]:
    """Return the row alone: one prompt, one answer."""
    return [row]


def as_text(messages: Messages) -> str:
    """Return a prompt as plain text, where it can't stand as turns: the user's words."""
    return prompt_text(messages)


def transcript(messages: Messages) -> str:
    """Return all turns as plain text, each after its speaker."""
    return "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages)


def whole_text(messages: Messages) -> str:
    """Return the user's words where there is nothing else; else all turns, so that no two prompts look the same."""
    return as_text(messages) if all(turn["role"] == "user" for turn in messages) else transcript(messages)


def teacher_messages(
    row_messages: Messages,
    skill: Any,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> Messages:
    """Return the teacher's turns: instruction, `examples` (text, answer) in the order given, then the row's."""
    system = filled(prompt.system or skill.instruction, skill, labels)
    if prompt.layout == "list":
        return with_system("\n\n".join([system, *_listed(prompt, examples)]), [], row_messages)
    turns: Messages = []
    for text, answer in examples:
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return with_system(system, turns, row_messages)


def teacher_text(
    row_messages: Messages,
    skill: Any,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
    text_of: Callable[[Messages], str] = whole_text,
) -> str:
    """Return the teacher's prompt as plain text that ends where the answer follows, for layout `text`."""
    heading = filled(prompt.system or skill.instruction, skill, labels)
    asked = f"{prompt.input_name}: {text_of(row_messages)}\n{prompt.output_name}:"
    return "\n\n".join([heading, *_listed(prompt, examples), asked])


def zero_shot_messages(row_messages: Messages, skill: Any, labels: Sequence[str]) -> Messages:
    """Return what an untrained model is asked: the skill's instruction with the labels named, then the row's turns."""
    return with_system(filled(skill.instruction, skill, labels), [], row_messages)


def student_messages(row_messages: Messages, skill: Any, labels: Sequence[str]) -> Messages:
    """Return what the student sees: the row's turns, after `student_instruction` where the recipe has one."""
    return with_system(filled(skill.student_instruction, skill, labels), [], row_messages)


def filled(instruction: str, skill: Any, labels: Sequence[str]) -> str:
    """Return `instruction` with {labels} replaced by the list, and what else the skill fills in."""
    # not str.format: an instruction may hold other braces, such as a JSON example
    return str(skill.filled(instruction)).replace("{labels}", ", ".join(labels))


def with_system(system: str, examples: Messages, row_messages: Messages) -> Messages:
    """One system turn at most: chat templates refuse or ignore a second, so the row's own is joined to ours."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in row_messages]
    if turns and turns[0]["role"] == "system":
        system = "\n\n".join(part for part in (system, turns.pop(0)["content"]) if part)
    first = [{"role": "system", "content": system}] if system else []
    return first + examples + turns


def _listed(prompt: TeacherPrompt, examples: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{prompt.input_name}: {text}\n{prompt.output_name}: {answer}" for text, answer in examples]
