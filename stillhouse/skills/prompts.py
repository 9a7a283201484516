"""What a recipe may change in the teacher's prompt, and the pieces that prompts are made of."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.data.row import Messages

Example = tuple[str, str]  # a labelled row as text, and its answer


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


def transcript(messages: Messages) -> str:
    """Return all turns as plain text, each after its speaker."""
    return "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages)


def with_system(system: str, examples: Messages, row_messages: Messages) -> Messages:
    """Return one system turn at most, then `examples`, then the row's turns.

    Chat templates refuse or ignore a second system turn, so the row's own is joined to ours.
    """
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in row_messages]
    if turns and turns[0]["role"] == "system":
        system = "\n\n".join(part for part in (system, turns.pop(0)["content"]) if part)
    first = [{"role": "system", "content": system}] if system else []
    return first + examples + turns


def as_turns(examples: Sequence[Example]) -> Messages:
    """Return labelled examples as chat turns."""
    turns: Messages = []
    for text, answer in examples:
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return turns


def as_list(prompt: TeacherPrompt, examples: Sequence[Example]) -> list[str]:
    """Return labelled examples as paragraphs of text."""
    return [f"{prompt.input_name}: {text}\n{prompt.output_name}: {answer}" for text, answer in examples]
