"""One record of a file, before its columns have a meaning."""

from typing import Any


class InvalidRecord(Exception):
    """Why one record can't be a row: a reason in one word, and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


# One record of a file: its first line (from 1), its raw bytes, and a dictionary or what is wrong with it. The line of a
# Parquet row is its number, and its bytes are empty if the dictionary is complete. A bare tuple: there are millions.
Record = tuple[int, bytes, dict[str, Any] | InvalidRecord]
