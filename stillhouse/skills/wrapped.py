"""Answers inside code fences, JSON objects, tags and lists."""

import json
import re
from collections.abc import Sequence

ANSWER_KEYS = ("answer", "final_answer", "short_answer", "response", "output", "result")
LABEL_KEYS = (
    "label", "category", "class", "classification", "intent", "sentiment", "topic", "prediction", "relation",
    "relationship", "verdict", "emotion", "tag", *ANSWER_KEYS,
)  # fmt: skip
_FENCED = re.compile(r"(?s)(?:```|~~~)[\w+-]*[ \t]*\n(.*?)\n?[ \t]*(?:```|~~~)")
_TAGGED = re.compile(rf"(?s)<(?P<name>{'|'.join(LABEL_KEYS)})>(?P<inside>.*?)</(?P=name)>", re.I)
# of a heading, a quote or a list; a dash before a digit is its sign
_BULLET = re.compile(r"(?:#{1,6}|>|[*•]|→|->|=>|-(?=\s+[^\d\s]))\s+")
# the first of a numbered list, and not the day of a date or a club's name, as in "1. Mai" and "1. FC Köln"
_FIRST = re.compile(
    r"1(?:\)|\.(?!\s+(?:jan|jän|feb|mar|mär|apr|mai|maj|may|jun|jul|aug|sep|okt|oct|nov|dez|dec|des|fc|fsv|sc|sv|vfl|"
    r"bundesliga|liga|weltkrieg|jahrhundert|platz)))\s+(?=\D)",
    re.I,
)


def unwrapped(text: str, keys: Sequence[str]) -> str:
    """Return what a code fence, a tag or the object's only entry among `keys` holds, if `text` is one; else `text`."""
    text = text.strip()
    if found := _FENCED.fullmatch(text):
        text = found[1].strip()
    found = _TAGGED.fullmatch(text) if text.startswith("<") else None
    if found and found["name"].lower() in keys:
        return found["inside"].strip()
    value = _entry(text, keys) if text.startswith("{") and text.endswith("}") else None
    return text if value is None else value


def _entry(text: str, keys: Sequence[str]) -> str | None:
    """Return the text or number under the only name of an object that is one of `keys`; None if there is none."""
    try:
        # numbers stay as they were written
        content = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return None
    values = [value for name, value in content.items() if name.lower() in keys]
    value = values[0] if len(values) == 1 else None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.strip() if isinstance(value, str) else None


def without_bullet(line: str) -> str:
    """Return a line without the mark of a heading, a quote, a list or an arrow before it."""
    found = _BULLET.match(line)
    return line[found.end() :] if found else line


def without_number(line: str) -> str:
    """Return a line without the number of a list's first entry."""
    found = _FIRST.match(line)
    return line[found.end() :] if found else line
