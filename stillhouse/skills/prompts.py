"""The teacher's prompt in a recipe, and the pieces that prompts are made of."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel
from stillhouse.data.row import Messages
from stillhouse.data.tool_calls import take_tools, with_calls

Example = tuple[str, str]  # the text of a labelled row, and its answer


class TeacherPrompt(FrozenModel):
    """What the teacher sees besides the student's prompt."""

    system: str = Field("", description="system prompt; empty takes the skill's instruction; {labels} is replaced")
    examples: int = Field(0, ge=0, le=256, description="labelled examples a prompt; with *_per_label for each label")
    selection: Literal["nearest", "nearest_per_label", "fixed_per_label"] = Field(
        "nearest",
        description="nearest: the most similar; nearest_per_label: the most similar of each label; fixed_per_label: "
        "the same for every prompt, so that an engine computes them once",
    )
    retriever: Literal["tfidf", "bm25"] = Field("tfidf", description="how similarity is measured, for nearest*")
    seed: int = Field(
        0, ge=0, lt=2**32, description="seed of which examples are shown and in which order, for fixed_per_label"
    )
    layout: Literal["turns", "list", "text", "student"] = Field(
        "turns",
        description="turns: examples are chat turns; list: they are in the system prompt; text: plain text without the "
        "chat template, which small and base models continue best. Free answers then need sampling.stop; student: the "
        "bare message as a student sees it, for a teacher that Stillhouse trained",
    )
    input_name: str = Field("Message", min_length=1, description="what precedes a message, in list and text")
    output_name: str = Field("Label", min_length=1, description="what precedes an answer, in list and text")

    @model_validator(mode="after")
    def _student_sees_no_more(self) -> Self:
        if self.layout == "student" and (self.system or self.examples):
            raise ValueError(
                "layout: student shows the bare message, and a system prompt or examples would be left out: take them "
                "out, or choose another layout"
            )
        return self


def transcript(messages: Messages) -> str:
    """Return all turns as plain text, one `Role: content` line a turn."""
    return "\n".join(f"{turn['role'].capitalize()}: {with_calls(turn)}" for turn in messages)


def with_system(system: str, examples: Messages, row_messages: Messages) -> Messages:
    """Return at most one system turn, then `examples`, then the row's turns.

    The row's own system turns are appended to `system`, because chat templates refuse or ignore a second one.
    """
    bare, tools = take_tools(row_messages)
    turns = [{key: value for key, value in turn.items() if key != "weight"} for turn in bare]
    while turns and turns[0]["role"] == "system":
        system = "\n\n".join(part for part in (system, turns.pop(0)["content"]) if part)
    first = [{"role": "system", "content": system}] if system else []
    shown = first + examples + turns
    return [{**shown[0], "tools": tools}, *shown[1:]] if tools else shown


def as_turns(examples: Sequence[Example]) -> Messages:
    """Return labelled examples as chat turns."""
    roles = ("user", "assistant")
    return [{"role": role, "content": text} for example in examples for role, text in zip(roles, example, strict=True)]


def as_list(prompt: TeacherPrompt, examples: Sequence[Example]) -> list[str]:
    """Return labelled examples as paragraphs of text."""
    return [f"{prompt.input_name}: {text}\n{prompt.output_name}: {answer}" for text, answer in examples]
