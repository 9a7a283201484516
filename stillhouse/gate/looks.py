"""How often a test set has decided about students: a small file in the store, one a test set.

    gate/looks/<SHA-256 of the test rows>.json

A look is a student, by its answers to these rows. A repeated run finds its own, and is no new look.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.data.row import Row
from stillhouse.errors import StoreError
from stillhouse.gate.spending import level_of_look
from stillhouse.metrics.metric import Answers
from stillhouse.reports.schema.gate import Looks

FOLDER = "gate/looks"
_MOST_TRIES = 100


def test_set_of(rows: Sequence[Row]) -> str:
    """Return the SHA-256 of what test rows hold, whatever their order, ids and source."""
    return sha256_json(sorted(map(_content, rows)))


def look_of(rows: Sequence[Row], student: Answers) -> str:
    """Return the SHA-256 of the student's answers to the test rows, whatever their order and ids."""
    return sha256_json(sorted([_content(row), answer or ""] for row, answer in zip(rows, student, strict=True)))


def next_look(store: FileStore, test_set: str) -> int:
    """Return the number that a new look at a test set would have.

    Raises:
        StoreError: the store can't be read.
    """
    found = store.versioned(_key(test_set))
    return 1 + (len(_read(found[0], test_set)) if found else 0)


def count_look(store: FileStore, test_set: str, look: str, run_id: str, alpha: float) -> Looks:
    """Note the look in the store if it is new, and return its number with what it may spend of `alpha`.

    Two runs at once get different numbers.

    Raises:
        StoreError: the store can't be read or written, or the file is damaged.
    """
    for _ in range(_MOST_TRIES):
        found = store.versioned(_key(test_set))
        entries = _read(found[0], test_set) if found else []
        known = [one["look"] for one in entries]
        if look in known:
            break
        entries.append({"look": look, "run": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds")})
        data = json.dumps({"test_set": test_set, "looks": entries}, indent=1).encode()
        if store.swap(_key(test_set), data, found[1] if found else None):
            known.append(look)
            break
    else:
        raise StoreError(f"{_key(test_set)} was changed by others {_MOST_TRIES} times in a row; run again")
    number = known.index(look) + 1
    return Looks(test_set=test_set, look=number, used=len(known), level=level_of_look(number, alpha), alpha=alpha)


def _content(row: Row) -> str:
    return sha256_json([row["messages"], row["references"], row.get("tools")])


def _key(test_set: str) -> str:
    return f"{FOLDER}/{test_set}.json"


def _read(data: bytes, test_set: str) -> list[dict[str, Any]]:
    """Return the looks of the file.

    A damaged one is no empty one: looks that were spent would be given again.
    """
    try:
        found: list[dict[str, Any]] = json.loads(data)["looks"]
        if not all(isinstance(one["look"], str) for one in found):
            raise ValueError("a look that is no text")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{_key(test_set)} is damaged ({type(error).__name__}): it counts how often the test set was used. Restore "
            "it, or delete it to count from the first look again"
        ) from error
    return found
