"""S3's rules of conditional writes, for a proxy before a server that overlooks them, as `rclone serve s3` does.

The refusals are those of AWS: 412 PreconditionFailed, and 404 NoSuchKey for an ETag where there is no object.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Judged:
    """What becomes of one request."""

    status: int = 200
    code: str = ""  # S3's, if the request is refused
    etag: str | None = None  # of the object it wrote


class Conditions:
    """The ETags of all objects; every write must pass here.

    Reads wait for writes, too: S3 shows an object as it was or as it is, and rclone one that it is overwriting.
    """

    def __init__(self) -> None:
        self._etags: dict[str, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def judged(self, method: str, path: str, headers: Mapping[str, str]) -> Iterator[Judged]:
        """Yield the judgement of one request; the block sets the ETag of what it wrote. All go one by one."""
        path = path.split("?")[0]
        if method not in ("PUT", "DELETE"):
            with self._lock:
                yield Judged()
            return
        given = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            there = self._etags.get(path)
            judged = _judge(there, given.get("if-none-match"), given.get("if-match"))
            yield judged
            if not judged.code and method == "DELETE":
                self._etags.pop(path, None)
            elif not judged.code and judged.etag:
                self._etags[path] = judged.etag


def _judge(there: str | None, if_none_match: str | None, if_match: str | None) -> Judged:
    if if_none_match == "*" and there is not None:
        return Judged(412, "PreconditionFailed")
    if if_match is not None and there is None:
        return Judged(404, "NoSuchKey")
    if if_match is not None and there != if_match:
        return Judged(412, "PreconditionFailed")
    return Judged()
