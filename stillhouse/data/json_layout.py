"""Tells by its beginning where the rows of a JSON file are: on its lines, in an array, or in a list of an object."""

from typing import Any, Literal

import orjson

from stillhouse.data.json_stream import Layout, first_piece, pieces
from stillhouse.errors import DataError

JsonLayout = Literal["lines"] | Layout

_GOES_ON = (b"[", b"{", b",", b":")  # how a line ends inside a value that is written over several
# what the list of rows is called in an object that holds more
_NAMES = {
    *("data", "rows", "examples", "items", "records", "instances", "entries", "samples", "results", "questions"),
    *("dataset", "documents", "train", "training", "test", "validation", "valid", "dev", "eval"),
}


def find_layout(head: bytes, name: str, *, is_whole: bool) -> JsonLayout:
    """Return where the rows are in the JSON text called `name` that begins with `head`, or is it (`is_whole`).

    Raises:
        DataError: the text is one object that holds columns, not rows.
    """
    lines = [line.strip() for line in head.split(b"\n", 64) if line.strip()]
    if not lines or lines[0][:1] not in (b"[", b"{"):
        return "lines"
    first = _parsed(lines[0])
    if first is not None and len(lines) > 1:
        return "lines"
    ends_open = lines[0].endswith(_GOES_ON)
    if len(lines) > 1 and not ends_open and isinstance(_parsed(lines[1]), dict):
        return "lines"  # and the first is damaged
    if lines[0].startswith(b"["):
        return "array"
    values = [_parsed(raw) for _, raw in pieces([head], "values", name)]
    if len(values) == 1 and isinstance(values[0], dict) and is_whole:
        return _layout_of_object(values[0], name, is_line=first is not None)
    if isinstance(values[0], dict) or (is_whole and ends_open):
        return "values"
    # an object that goes on beyond the head: a list of rows, or one enormous row
    row = None if is_whole else _parsed(first_piece(head, "wrapped", name))
    return "wrapped" if isinstance(row, dict) and not _is_turn(row) else "lines"


def _layout_of_object(value: dict[str, Any], name: str, *, is_line: bool) -> JsonLayout:
    lists = [key for key, items in value.items() if _is_rows(items)]
    if lists and (len(value) == 1 or _NAMES.issuperset(key.casefold() for key in lists)):
        return "wrapped"
    parts = list(value.values())
    by_number = all(isinstance(part, dict) and part and all(map(str.isdigit, part)) for part in parts)
    lengths = {len(part) if isinstance(part, list) else -1 for part in parts}
    if parts and (by_number or (len(lengths) == 1 and len(parts) > 1 and min(lengths) > 1)):
        raise DataError(
            f"{name} is one JSON object of columns ({', '.join(map(repr, list(value)[:5]))}), and rows are read. Write "
            'an object for each row, with pandas by to_json(path, orient="records", lines=True).'
        )
    return "lines" if is_line else "values"


def _is_rows(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(i, dict) and not _is_turn(i) for i in items[:10])


def _is_turn(item: dict[str, Any]) -> bool:
    return not {"role", "from"}.isdisjoint(item)


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
