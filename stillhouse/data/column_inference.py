"""Infers which column of a source holds the prompt, the id, the label and the reference.

Only a recipe's draft is inferred; a run uses what its recipe says.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from stillhouse.data.messages import ASSISTANTS, transposed

Record = dict[str, Any]
Found = dict[str, str | tuple[str, ...]]  # field of a recipe's `columns` -> column, or several for `text`

_NAMES = {
    "messages": ("messages", "conversations", "conversation", "turns", "chat", "dialog", "dialogue"),
    "tools": ("tools", "functions"),
    "system": ("system", "system_prompt", "system_message", "system_instruction"),
    "id": ("id", "uuid", "guid", "key", "row_id", "message_id", "ticket_id", "request_id", "idx"),
    "premise": ("premise", "sentence1", "sentence_a"),
    "hypothesis": ("hypothesis", "sentence2", "sentence_b"),
    "label": ("label", "intent", "category", "class", "topic", "tag", "gold", "gold_label", "labels", "sentiment"),
    "context": ("context", "passage", "paragraph", "contexts"),
    "text": (
        *("text", "message", "prompt", "question", "query", "problem", "instruction", "input", "utterance", "sentence"),
        *("body", "content", "article", "document", "dialogue", "dialog", "story", "review", "texte", "nachricht"),
    ),
    "reference": (
        *("reference", "references", "answer", "answers", "expected", "target", "output", "response", "completion"),
        *("summary", "summaries", "highlights", "abstract", "solution", "final_answer", "reply"),
    ),
}
_CALLS = frozenset(("tool_calls", "function_call"))
_LABEL_OF_INSTRUCTIONS = ("label", "labels", "gold_label")  # `category` and `topic` say what an instruction is about
_MAX_LABELS = 100
_MAX_LABEL_CHARS = 60


def infer_columns(records: Sequence[Record], *, label_by_look: bool = True) -> Found:
    """Return field -> column for the fields of a recipe's `columns` that were recognised; without a prompt, none.

    A name that is common for its field decides; if there is none, the values do. With `label_by_look` off a label is
    taken by its name alone. A reference is sought only if there is no label, which would be the reference.
    """
    left = _Columns(records)
    found: Found = {}
    left.take(found, "messages", _is_turns, lambda fitting: fitting[0] if fitting else None)
    left.take(found, "id", _is_id)
    left.take(found, "system", _is_said)
    if "messages" in found:
        left.take(found, "tools", _is_tools)
    if "messages" not in found:
        _take_pair(left, found)
    is_instruction = (
        "messages" not in found and left.has("instruction") and left.has("output", "response", "completion")
    )
    replies = replies_in(records, str(found["messages"])) if "messages" in found else []
    if any(replies) and 2 * sum(reply == "last" for reply in replies) > len(replies):
        return found  # the reply is the reference
    by_look = label_by_look and not left.has(*_NAMES["reference"]) and not any(replies)
    if not is_instruction or left.has(*_LABEL_OF_INSTRUCTIONS):
        left.take(found, "label", _is_label, left.single if by_look else None)
    if is_instruction:
        _take_instruction(left, found)
    elif not {"messages", "premise"} & found.keys():
        left.take(found, "context", _is_long_text if left.has("question", "query") else _is_nothing)
        left.take(found, "text", left.is_prompt, left.longest)
    if not {"messages", "premise", "text"} & found.keys():
        return {}
    if "label" not in found:
        left.take(found, "reference", _is_answer)
    elif "context" in found:  # of questions with a label, such as yes and no
        found["text"] = (str(found.pop("context")), str(found["text"]))
    return found


class _Columns:
    """The columns that have no meaning yet."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        names = list(dict.fromkeys(name for record in records for name in record))
        self.values = {name: [v for record in records if (v := record.get(name)) is not None] for name in names}
        self.left = [name for name in names if len(self.values[name]) * 2 >= len(records) or _may_be_rare(name)]

    def has(self, *known: str) -> bool:
        return any(name.strip().casefold() in known for name in self.left)

    def take(
        self,
        found: Found,
        field: str,
        looks: Callable[[Sequence[Any]], bool],
        unnamed: Callable[[Sequence[str]], str | None] | None = None,
    ) -> None:
        """Give `field` the column with the best name for it whose values look right, or the `unnamed` one."""
        fitting = [name for name in self.left if self.values[name] and looks(self.values[name])]
        named = sorted((name for name in fitting if _known(name, field)), key=lambda name: _rank(name, field))
        chosen = named[0] if named else unnamed(fitting) if unnamed else None
        if chosen is not None:
            found[field] = chosen
            self.left.remove(chosen)

    def longest(self, fitting: Sequence[str]) -> str | None:
        prose = [name for name in fitting if _is_prose(self.values[name]) and not _known(name, "reference")]
        return max(prose, key=lambda name: sum(map(len, self.values[name])) / len(self.values[name]), default=None)

    def single(self, fitting: Sequence[str]) -> str | None:
        few = [name for name in fitting if _repeats(self.values[name])]
        return few[0] if len(few) == 1 else None

    def is_prompt(self, values: Sequence[Any]) -> bool:
        """Return whether these are texts that do not end with another column's: an answer must not be in its prompt."""
        return _is_text(values) and not any(
            _ends_with(values, self.values[name])
            for name in self.values
            if _known(name, "reference") or _known(name, "label")
        )


def _take_pair(left: _Columns, found: Found) -> None:
    """Take premise and hypothesis if there are both."""
    pair: Found = {}
    for field in ("premise", "hypothesis"):
        left.take(pair, field, _is_text)
    if len(pair) == 2:
        found |= pair
    else:
        left.left.extend(str(name) for name in pair.values())


def _take_instruction(left: _Columns, found: Found) -> None:
    """Take instruction, context and input together as the prompt; an output of few values is a label."""
    names = [
        name for known in ("instruction", "context", "input") for name in left.left if name.strip().casefold() == known
    ]
    found["text"] = tuple(names) if len(names) > 1 else names[0]
    left.left = [name for name in left.left if name not in names]
    outputs = [name for name in left.left if name.strip().casefold() in ("output", "response", "completion")]
    if "label" not in found and outputs and _is_label(left.values[outputs[0]]) and _repeats(left.values[outputs[0]]):
        found["label"] = outputs[0]
        left.left.remove(outputs[0])


def _may_be_rare(name: str) -> bool:
    """Return whether few of the rows may have a value in such a column."""
    return _known(name, "label") or _known(name, "system")


def _known(name: str, field: str) -> bool:
    return name.strip().casefold() in _NAMES[field]


def _rank(name: str, field: str) -> int:
    return _NAMES[field].index(name.strip().casefold())


def _ends_with(texts: Sequence[Any], ends: Sequence[Any]) -> bool:
    if len(texts) != len(ends):
        return False
    pairs = [(text.rstrip(), end.strip()) for text, end in zip(texts, ends, strict=True) if isinstance(end, str)]
    found = sum(1 for text, end in pairs if end and text != end and text.endswith(end))
    return 5 * found > 4 * len(texts) > 0


def _is_turns(values: Sequence[Any]) -> bool:
    return all(bool(turns_in(value)) for value in values)


def turns_in(value: Any) -> list[dict[str, Any]]:
    """Return the turns in `value`, {role, content} or {from, value}, maybe as JSON text; none if it holds no list."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return []
    value = transposed(value) if isinstance(value, dict) else value
    is_turns = isinstance(value, list) and all(isinstance(t, dict) and _is_turn(t.keys()) for t in value)
    return value if is_turns else []


def replies_in(records: Sequence[Record], column: str) -> list[str]:
    """Return for each conversation whether it has the assistant's replies: `last`, `before` the last turn, or empty."""
    found = []
    for record in records:
        roles = [str(turn.get("role", turn.get("from"))).casefold() for turn in turns_in(record.get(column))]
        is_reply = [role in ASSISTANTS for role in roles]
        found.append("last" if is_reply[-1:] == [True] else "before" if any(is_reply) else "")
    return found


def _is_turn(keys: AbstractSet[str]) -> bool:
    return {"from", "value"} <= keys or {"role", "content"} <= keys or ("role" in keys and not _CALLS.isdisjoint(keys))


def _is_tools(values: Sequence[Any]) -> bool:
    return all(isinstance(value, list) or (isinstance(value, str) and value.lstrip()[:1] == "[") for value in values)


def _is_id(values: Sequence[Any]) -> bool:
    return all(type(value) in (str, int) for value in values) and len(set(values)) == len(values)


def _is_label(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str | bool | int | float) and len(str(value)) <= _MAX_LABEL_CHARS for value in values)


def _is_answer(values: Sequence[Any]) -> bool:
    """Return whether a reference can be each of these: a text, a number, a list of them, or SQuAD's answers."""
    listed = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return all(isinstance(item, str | int | float) or (isinstance(item, dict) and "text" in item) for item in listed)


def _repeats(values: Sequence[Any]) -> bool:
    """Return True if few values come again and again; a file sorted by label may show one only."""
    distinct = len(set(map(str, values)))
    return 2 <= distinct <= _MAX_LABELS and distinct * 4 <= len(values)


def _is_text(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_said(values: Sequence[Any]) -> bool:
    return _is_text(values) and any(value.strip() for value in values)


def _is_long_text(values: Sequence[Any]) -> bool:
    return _is_text(values) and _is_prose(values)


def _is_nothing(values: Sequence[Any]) -> bool:
    return False


def _is_prose(values: Sequence[str]) -> bool:
    """Return True if most values hold several words, or letters of a script that may not separate its words."""
    return 2 * sum(" " in value.strip() or not value.isascii() for value in values) > len(values)
