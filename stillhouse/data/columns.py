"""Maps one record of the user's columns to the row model."""

from typing import Any

import orjson

from stillhouse.data.record import InvalidRecord
from stillhouse.data.row import Messages, content_sha256
from stillhouse.data.tool_calls import with_tool_calls
from stillhouse.recipe.data import Columns

# a row of ROW_SCHEMA without its source; a bare tuple, since there are millions
RowValues = tuple[str, str, Messages, list[str], str | None, str, str | None]


def map_row(record: dict[str, Any], columns: Columns, used: frozenset[str], *, is_dialogue: bool = False) -> RowValues:
    """Return `record` as a row; the columns not `used` go to its meta. Without a reference the label is the reference.

    The reference of a dialogue is the assistant's last turn, unless a column names another. Calls of tools are kept as
    text (stillhouse/data/tool_calls.py).

    Raises:
        InvalidRecord: a value is missing or not of the type its column needs.
    """
    if is_dialogue and columns.messages is not None:
        record = {**record, columns.messages: with_tool_calls(record.get(columns.messages))}
    messages = _messages(record, columns)
    digest = content_sha256(messages)
    label = _word(record, columns.label, (bool, int, float), "a label (text, a number or a boolean)")
    if columns.reference is not None:
        references = _references(record[columns.reference]) if columns.reference in record else []
    else:
        references = [] if label is None else [label]
    if is_dialogue and not references and messages[-1]["role"] == "assistant":
        references = [messages[-1]["content"]]
    row_id = _word(record, columns.id, (int,), "text or a whole number of at most 64 bits")
    return row_id or digest[:16], digest, messages, references, label, _meta(record, used), None


def named_columns(columns: Columns) -> dict[str, str]:
    """Return field -> column for the fields that the recipe names; `text` can be several, `text.0` and so on."""
    named: dict[str, str] = {}
    for field, name in columns:
        if isinstance(name, tuple):
            named |= {f"{field}.{place}": part for place, part in enumerate(name)}
        elif name is not None:
            named[field] = name
    return named


def _messages(record: dict[str, Any], columns: Columns) -> list[dict[str, str]]:
    if columns.text is not None:
        text = _text(record, columns.text) if isinstance(columns.text, str) else _joined(record, columns.text)
        if columns.context is not None:
            text = f"Context: {_text(record, columns.context)}\n\nQuestion: {text}"
        return [{"role": "user", "content": text}]
    if columns.premise is not None:
        pair = {"Premise": columns.premise, "Hypothesis": str(columns.hypothesis)}
        content = "\n".join(f"{title}: {_text(record, name)}" for title, name in pair.items())
        return [{"role": "user", "content": content}]
    name = str(columns.messages)
    turns = _present(record, name)
    if isinstance(turns, str):  # a CSV cell
        try:
            turns = orjson.loads(turns)
        except orjson.JSONDecodeError as error:
            raise InvalidRecord("bad_messages", f"{name!r} is text but no JSON list of turns: {error}") from error
    if not isinstance(turns, list) or not turns:
        raise InvalidRecord("bad_messages", f"{name!r} must be a list of at least one {{role, content}} turn")
    return [_turn(turn, position) for position, turn in enumerate(turns)]


def _text(record: dict[str, Any], name: str) -> str:
    text = _present(record, name)
    if type(text) is not str:
        raise InvalidRecord("wrong_type", f"{name!r} must be text, it is a {type(text).__name__}")
    return text


def _joined(record: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the texts of several columns, such as instruction and input, with blank lines between; no gaps."""
    texts = [_text(record, name) for name in names if record.get(name) is not None]
    return "\n\n".join(text for text in texts if text.strip())


def _turn(turn: Any, position: int) -> dict[str, str]:
    role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
    if not isinstance(role, str) or not isinstance(content, str):
        raise InvalidRecord(
            "bad_messages", f"turn {position} must be an object with a text `role` and a text `content`"
        )
    return {"role": role, "content": content}


def _present(record: dict[str, Any], name: str) -> Any:
    value = record.get(name)
    if value is None:
        raise InvalidRecord("missing_column", f"{name!r} is {'null' if name in record else 'not there'}")
    return value


def _word(record: dict[str, Any], name: str | None, kinds: tuple[type, ...], rule: str) -> str | None:
    """Return a value of one word, such as an id or a label, as text; None if there is none or it is blank."""
    value = record.get(name) if name else None
    if isinstance(value, str):
        return value.strip() or None
    if value is None or value != value:  # NaN, as which pandas writes a gap
        return None
    if type(value) in kinds:
        return orjson.dumps(value).decode()
    raise InvalidRecord("wrong_type", f"{name!r} must be {rule}, it is {_short(value)}")


def _references(value: Any) -> list[str]:
    value = _squad_texts(value)
    answers = value if isinstance(value, list) else [] if value is None else [value]
    if any(not isinstance(answer, str | int | float) for answer in answers):
        raise InvalidRecord(
            "wrong_type", f"a reference must be text, a number, or a list of these, it is {_short(value)}"
        )
    texts = [answer if isinstance(answer, str) else orjson.dumps(answer).decode() for answer in answers]
    return [text for text in texts if text.strip()]


def _squad_texts(value: Any) -> Any:
    """Return the texts of answers as SQuAD writes them, with their places in the passage; anything else as it is."""
    if isinstance(value, dict) and "answer_start" in value:
        return value.get("text")
    if isinstance(value, list) and value and all(isinstance(item, dict) and "answer_start" in item for item in value):
        return [item.get("text") for item in value]
    return value


def _meta(record: dict[str, Any], used: frozenset[str]) -> str:
    if used.issuperset(record):
        return "{}"
    rest = {name: value for name, value in record.items() if name not in used}
    try:
        return orjson.dumps(rest, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError as error:  # nested deeper than the writer goes
        raise InvalidRecord("too_deep", f"the other columns can't be written as JSON: {error}") from error


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else type(value).__name__
    return text[:80]
