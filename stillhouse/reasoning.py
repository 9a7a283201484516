"""Takes a model's reasoning out of what it wrote, once, before anything else reads it.

Models mark their reasoning in several ways, and servers hand it over in a field of its own or leave it in the text.
Nothing but a block at the beginning counts: an answer may speak of such marks.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

# opening and closing mark of a block
_MARKS = (
    *((f"<{name}>", f"</{name}>") for name in ("think", "thinking", "thought", "reasoning", "seed:think")),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi
)
# an answer begins after the last of these; the second one is gpt-oss's, between a channel's name and its message
ENDS_REASONING = frozenset(closing for _, closing in _MARKS) | {"<|message|>"}
# none of the marks is without one of these
_MAYBE_MARKED = re.compile(r"[<\[◁]|assistantfinal")
_ANY_OPENING = re.compile("|".join(re.escape(opening) for opening, _ in _MARKS), re.IGNORECASE)
_OPENING = re.compile(rf"\s*(?:{_ANY_OPENING.pattern})", re.IGNORECASE)
# marks in quotes or backticks are spoken of
_CLOSING = re.compile(
    r"(?<![`'\"])(?:" + "|".join(re.escape(closing) for _, closing in _MARKS) + r")(?![`'\"])", re.IGNORECASE
)
_CLOSED_BY = {opening.casefold(): closing for opening, closing in _MARKS}
# R1-Zero and others write the answer into a block too
_ANSWER_BLOCK = re.compile(r"\s*<answer>(.*)</answer>\s*", re.IGNORECASE | re.DOTALL)
# gpt-oss names a channel before each message
_MESSAGE = re.compile(
    r"((?:<\|start\|>assistant)?[^<]*<\|channel\|>(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>)"
    r"(.*?)(?:<\|(?:end|return|call)\|>|(?=<\|start\|>)|\Z)",
    re.DOTALL,
)
_CALLED = re.compile(r"\bto=functions\.([^\s<]+)")  # in front of a message that is the arguments of a call
# the same after the marks were left out, as a decoder does that skips special tokens
_BARE_CHANNELS = re.compile(r"\s*analysis(.*?)assistantfinal(.*)", re.DOTALL)
# those of the marks that are special tokens in their vocabulary: a decoder that skips these loses them
_SPECIAL_MARKS = frozenset(("[THINK]", "[/THINK]", "<|channel|>", "<|channel>", "<channel|>", "<|START_THINKING|>"))
_SPECIAL_MARKS |= {"<think>", "</think>"}


class Split(NamedTuple):
    """A reply's answer and the reasoning before it; either may be empty."""

    answer: str
    reasoning: str


def split_reasoning(text: str, reasoning: str = "") -> Split:
    """Return the answer in a reply's `text` apart from its reasoning; a text without reasoning comes back unchanged.

    A block that never closes is all reasoning: the answer is empty.

    Args:
        text: what the model wrote, with reasoning that its server left in it.
        reasoning: what its server handed over apart from the text.
    """
    if not reasoning and not _MAYBE_MARKED.search(text):
        return Split(text, "")  # as nearly all, of which there are millions
    answer, blocks = _channels(text) or _blocks(text)
    if not blocks and not reasoning:
        return Split(answer, "")
    if blocks and (inner := _ANSWER_BLOCK.fullmatch(answer)):
        answer = inner[1].strip()
    found = dict.fromkeys(part for block in (reasoning, *blocks) if (part := block.strip()))
    return Split(answer, "\n\n".join(found))


def opened_block(prompt: str) -> str:
    """Return the mark of the block that `prompt` ends in, as templates open one; "" if it ends in none."""
    end = prompt.rstrip()
    return next((opening for opening, _ in _MARKS if end.endswith(opening)), "")


def shows_marks(special_tokens: Iterable[str]) -> bool:
    """Return whether reasoning is marked by tokens that a decoder skips as special."""
    return not _SPECIAL_MARKS.isdisjoint(special_tokens)


def _channels(text: str) -> tuple[str, list[str]] | None:
    """Return the final message with the calls of tools in marks, and the others, if `text` is written in channels."""
    if "<|channel|>" in text:
        finals: list[str] = []
        calls: list[str] = []
        others: list[str] = []
        for header, channel, message in _MESSAGE.findall(text):
            if called := _CALLED.search(header):
                calls.append(f'<tool_call>\n{{"name": "{called[1]}", "arguments": {message}}}\n</tool_call>')
            else:
                (finals if channel == "final" else others).append(message)
        return "\n".join(finals[-1:] + calls), others
    bare = _BARE_CHANNELS.fullmatch(text)
    return (bare[2], [bare[1]]) if bare else None


def _blocks(text: str) -> tuple[str, list[str]]:
    """Return what follows the blocks at the beginning of `text`, and the blocks."""
    blocks: list[str] = []
    while opening := _OPENING.match(text):
        closing = _CLOSED_BY[opening[0].strip().casefold()]
        end = re.search(re.escape(closing), text[opening.end() :], re.IGNORECASE)
        if end is None:
            return "", [*blocks, text[opening.end() :]]
        blocks.append(text[opening.end() :][: end.start()])
        text = text[opening.end() + end.end() :].lstrip()
    # the template opened the block, so that the reply has its end alone; a pair further on is part of the answer
    if not blocks and (end := _CLOSING.search(text)) and not _ANY_OPENING.search(text, 0, end.start()):
        return text[end.end() :].lstrip(), [text[: end.start()]]
    return text, blocks
