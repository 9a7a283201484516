"""The one row model of the pipeline, and its Arrow schema."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import orjson
import pyarrow as pa

from stillhouse.data.tool_calls import with_calls

# Turns, oldest first: `role` and `content` (text), and only where present `reasoning` (text), `tool_calls` (a list of
# {id, type: function, function: {name, arguments: an object}}), `tool_call_id`, `name`, and `weight`
# ("0": this reply is not learnt)
Messages = list[dict[str, Any]]
TURN_KEYS = ("role", "content", "reasoning", "tool_calls", "tool_call_id", "name", "weight")


class Row(TypedDict):
    """One row of ROW_SCHEMA."""

    id: str
    content_sha256: str
    messages: Messages
    references: list[str]
    label: str | None
    source: str
    meta: str
    tools: str | None
    reasoning: NotRequired[str]  # of a case: what was recorded before its reference
    dialogue: NotRequired[str]  # of a case that may be one of several of its row: the row's id


ROW_SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # the user's own id, or the first 16 hex digits of content_sha256
        ("content_sha256", pa.string()),  # of all turns: says which rows are the same text
        ("messages", pa.list_(pa.struct([(key, pa.string()) for key in TURN_KEYS]))),  # tool_calls as JSON
        ("references", pa.list_(pa.string())),  # accepted answers; may be empty
        ("label", pa.string()),  # the reference label, or null
        ("source", pa.string()),  # train | examples | test | validation: which source of the recipe the row came from
        ("meta", pa.string()),  # the other columns, as a JSON object; "@group": see groups.py
        ("tools", pa.string()),  # what the assistant may call: a JSON list of OpenAI's function definitions, or null
    ]
)

DROPPED_SCHEMA = ROW_SCHEMA.append(pa.field("reason", pa.string())).append(pa.field("detail", pa.string()))

_GAPS = re.compile(r"[\W_]+")
# for ASCII the same rule as _GAPS and case folding, an order of magnitude faster: every row goes through it
_ASCII = bytes(ord(chr(i).lower()) if chr(i).isalnum() else 32 for i in range(128)) + bytes([32]) * 128
_BETWEEN = "\0"  # stands between texts that are normalised together
_JOINED_ASCII = b"\0" + _ASCII[1:]


def normalise(text: str) -> str:
    """Return `text` NFKC-normalised, case-folded, with each run of punctuation and space as one space."""
    if text.isascii():
        return _normalise_ascii(text).decode()
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _normalise_ascii(text: str) -> bytes:
    return _single_spaced(text.encode().translate(_ASCII)).strip()


def _single_spaced(text: bytes) -> bytes:
    while b"  " in text:  # each round halves the runs; mostly one round, and cheaper than to split into words
        text = text.replace(b"  ", b" ")
    return text


def prompt_text(messages: Messages) -> str:
    """Return the user's words of a prompt: the contents of its user turns, newline between."""
    return "\n".join(turn["content"] for turn in messages if turn["role"] == "user")


def content_sha256(messages: Messages, tools: str | None = None) -> str:
    """Return the SHA-256 (hex) of all turns, in Unicode NFC and with each run of white space as one space.

    Rows are the same text if and only if these are equal: case, signs, symbols, marks and emoji count, and so do a
    turn's reasoning and calls of tools, and the `tools` that may be called (JSON; None leaves the hash as it was
    before there were any).
    """
    turns: list[Any] = [
        [turn["role"], _fold(turn["content"])] if len(turn) == 2 else [_fold(part) for part in sorted(turn.items())]
        for turn in messages
    ]
    if tools is not None:
        turns.append({"tools": _fold(orjson.loads(tools))})
    return hashlib.sha256(orjson.dumps(turns, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _fold(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join((value if value.isascii() else unicodedata.normalize("NFC", value)).split())
    if isinstance(value, dict):
        return {_fold(name): _fold(item) for name, item in value.items()}
    return [_fold(item) for item in value] if isinstance(value, list | tuple) else value


def draw_sha256(messages: Messages) -> str:
    """Return the SHA-256 (hex) of the turns' roles and normalised contents, as compact JSON.

    Whatever is drawn by content goes by it: splits, row caps, balance, examples of the prompt. A row whose comma or
    capital is mended stays where it was drawn.
    """
    return draw_digest([(turn["role"], with_calls(turn)) for turn in messages]).hex()


def draw_digest(turns: list[tuple[str, str]]) -> bytes:
    """Return `draw_sha256`, as bytes, of turns as `conversations` gives them: there are millions."""
    if len(turns) == 1 and turns[0][0] == "user" and turns[0][1].isascii():  # the usual row
        return _draw_digest(_normalise_ascii(turns[0][1]))
    turns = [(role, normalise(content)) for role, content in turns]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False, separators=(",", ":")).encode()).digest()


def draw_digests(texts: Sequence[str]) -> list[bytes]:
    """Return `draw_digest` of each text as the one turn of a user, several times as fast as one by one."""
    plain = [text if text.isascii() and _BETWEEN not in text else None for text in texts]
    joined = _single_spaced(_BETWEEN.join([text or "" for text in plain]).encode().translate(_JOINED_ASCII))
    normalised = joined.replace(b" \0", b"\0").replace(b"\0 ", b"\0").strip(b" ").split(b"\0")
    return [
        _draw_digest(words) if text is not None else draw_digest([("user", whole)])
        for text, whole, words in zip(plain, texts, normalised, strict=False)  # no texts are split into one
    ]


def _draw_digest(normalised: bytes) -> bytes:
    return hashlib.sha256(b'[["user","%b"]]' % normalised).digest()
