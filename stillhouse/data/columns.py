"""Maps one record of the user's columns to the row model."""

from collections import Counter
from typing import Any

import orjson

from stillhouse.data.groups import KEY, group_name
from stillhouse.data.messages import read_messages
from stillhouse.data.record import InvalidRecord
from stillhouse.data.recorded_calls import read_tools
from stillhouse.data.row import Messages, content_sha256
from stillhouse.data.tool_calls import with_calls
from stillhouse.recipe.data import Columns

# a row of ROW_SCHEMA without its source; a bare tuple, since there are millions
RowValues = tuple[str, str, Messages, list[str], str | None, str, str | None]


def map_row(
    record: dict[str, Any],
    columns: Columns,
    used: frozenset[str],
    *,
    is_dialogue: bool = False,
    ignored: Counter[str] | None = None,
) -> RowValues:
    """Return `record` as a row; the columns not `used` go to its meta. Without a reference the label is the reference.

    A group is noted in the meta.

    The reference of a dialogue is the assistant's last turn with its calls as text, unless a column names another. Keys
    of turns that nothing here reads are counted in `ignored`.

    Raises:
        InvalidRecord: a value is missing or not of the type its column needs.
    """
    messages = _messages(record, columns, Counter() if ignored is None else ignored)
    if columns.system is not None:
        messages = _under_system(record, columns.system, messages)
    if is_dialogue and "weight" in messages[-1]:
        messages = _learnt(messages)
    tools = _tools(record, columns)
    digest = content_sha256(messages, tools)
    label = _word(record, columns.label, (bool, int, float), "a label (text, a number or a boolean)")
    if columns.reference is not None:
        references = _references(record[columns.reference]) if columns.reference in record else []
    else:
        references = [] if label is None else [label]
    if is_dialogue and not references and messages[-1]["role"] == "assistant":
        references = [text] if (text := with_calls(messages[-1])).strip() else []
    row_id = _word(record, columns.id, (int,), "text or a whole number of at most 64 bits")
    group = _word(record, columns.group, (bool, int, float), "a group (text, a number or a boolean)")
    return row_id or digest[:16], digest, messages, references, label, _meta(record, used, group), tools


def used_columns(columns: Columns) -> frozenset[str]:
    """Return the columns that need no place in a row's meta; the group's own stays there, to route or slice by."""
    return frozenset(name for field, name in named_columns(columns).items() if field != "group")


def named_columns(columns: Columns) -> dict[str, str]:
    """Return field -> column for the fields that the recipe names; `text` can be several, `text.0` and so on."""
    named: dict[str, str] = {}
    for field, name in columns:
        if isinstance(name, tuple):
            named |= {f"{field}.{place}": part for place, part in enumerate(name)}
        elif name is not None:
            named[field] = name
    return named


def _learnt(messages: Messages) -> Messages:
    """Return a conversation up to its last reply that is to be learnt."""
    learnt = [at for at, turn in enumerate(messages) if turn["role"] == "assistant" and "weight" not in turn]
    if not learnt:
        raise InvalidRecord("nothing_to_learn", "the weight of every assistant turn is 0")
    return messages[: learnt[-1] + 1]


def _tools(record: dict[str, Any], columns: Columns) -> str | None:
    return read_tools(record.get(columns.tools)) if columns.tools is not None else None


def _messages(record: dict[str, Any], columns: Columns, ignored: Counter[str]) -> Messages:
    if columns.text is not None:
        text = _text(record, columns.text) if isinstance(columns.text, str) else _joined(record, columns.text)
        if columns.context is not None:
            text = f"Context: {_text(record, columns.context)}\n\nQuestion: {text}"
        return [{"role": "user", "content": text}]
    if columns.premise is not None:
        pair = {"Premise": columns.premise, "Hypothesis": str(columns.hypothesis)}
        content = "\n".join(f"{title}: {_text(record, name)}" for title, name in pair.items())
        return [{"role": "user", "content": content}]
    return read_messages(_present(record, str(columns.messages)), ignored)


def _under_system(record: dict[str, Any], name: str, messages: Messages) -> Messages:
    """Return the turns after the system prompt of a column of its own, unless they begin with the very same."""
    text = _text(record, name) if record.get(name) is not None else ""
    turn = {"role": "system", "content": text}
    return messages if not text.strip() or messages[0] == turn else [turn, *messages]


def _text(record: dict[str, Any], name: str) -> str:
    text = _present(record, name)
    if type(text) is not str:
        raise InvalidRecord("wrong_type", f"{name!r} must be text, it is a {type(text).__name__}")
    return text


def _joined(record: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the texts of several columns, such as instruction and input, with blank lines between; no gaps."""
    texts = [_text(record, name) for name in names if record.get(name) is not None]
    return "\n\n".join(text for text in texts if text.strip())


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
    if isinstance(value, dict) and isinstance(value.get("text"), list) and value.keys() <= {"text", "answer_start"}:
        value = value["text"]  # SQuAD's form
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


def _meta(record: dict[str, Any], used: frozenset[str], group: str | None) -> str:
    if used.issuperset(record) and group is None:
        return "{}"
    rest = {name: value for name, value in record.items() if name not in used}
    if group is not None:
        rest[KEY] = group_name(group)
    try:
        return orjson.dumps(rest, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError as error:  # nested deeper than the writer goes
        raise InvalidRecord("too_deep", f"the other columns can't be written as JSON: {error}") from error


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else type(value).__name__
    return text[:80]
