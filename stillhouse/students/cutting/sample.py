"""A sample of training rows at even distances: the same whatever the machine, and of the whole file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stillhouse.students.tokens import iterate_rows


def sample_of(path: Path, number: int) -> list[dict[str, Any]]:
    """Return `number` rows of a JSONL file at even distances; all if there are no more.

    Raises:
        DataError: the file is missing, or holds no rows.
    """
    # counted first: a file may be larger than memory
    count = sum(1 for _ in iterate_rows(path))
    wanted = {index * count // number for index in range(number)} if number < count else set(range(count))
    return [row for index, row in enumerate(iterate_rows(path)) if index in wanted]
