"""Infers which skill the rows of a source are for. Only a recipe's draft is inferred."""

import re
from collections.abc import Sequence
from typing import Any

from stillhouse.data.column_inference import Found, Record

_SUMMARIES = ("summary", "summaries", "highlights", "abstract")
_NUMBER = re.compile(r"[-+−]?[$€£]?\s?\d[\d.,\s/]*%?")
_MATH = re.compile(r"####\s*\S|\\boxed\s*\{")
_SHORT_WORDS = 8


def infer_skill(records: Sequence[Record], columns: Found) -> str:
    """Return the kind of the skill that these columns, as they were inferred, are for."""
    if "premise" in columns:
        return "nli"
    if "messages" in columns:
        return "classification" if "label" in columns else "conversation"
    if "label" in columns:
        return "classification"
    if "context" in columns:
        return "qa"
    return _by_reference(records, columns.get("reference"))


def _by_reference(records: Sequence[Record], column: Any) -> str:
    answers = [text for record in records for text in _texts(record.get(column) if column else None)]
    if not answers:
        return "classification"
    if 2 * sum(bool(_MATH.search(text) or _NUMBER.fullmatch(text.strip())) for text in answers) > len(answers):
        return "math"
    if str(column).strip().casefold() in _SUMMARIES:
        return "summarization"
    words = sum(len(text.split()) for text in answers) / len(answers)
    spaced = sum(" " in text or len(text) < 4 * _SHORT_WORDS for text in answers)
    # a script without spaces has words too: what is long is no short answer
    return "qa" if words <= _SHORT_WORDS and 2 * spaced > len(answers) else "conversation"


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):  # as SQuAD has it
        value = value.get("text")
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if isinstance(item, str | int | float) and str(item).strip()]
