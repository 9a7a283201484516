"""Secrets to plant, and the search for them in every byte that a run left."""

import base64
import gzip
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import pyarrow.parquet as pq

CANARIES = {
    "AWS_ACCESS_KEY_ID": "CANARYKEYID01",
    "AWS_SECRET_ACCESS_KEY": "canary/secret+key02",
    "AWS_SESSION_TOKEN": "canary/session+token03",
    "PREFECT_API_AUTH_STRING": "admin:canary-login-04",
    "PREFECT_SERVER_API_AUTH_STRING": "admin:canary-login-04",
    "OPENAI_API_KEY": "sk-canary-openai-05",
    "HF_TOKEN": "hf_canaryhub06",
    "SLACK_WEBHOOK_URL": "https://hooks.invalid/services/canary-07",
    "DISCORD_WEBHOOK_URL": "https://discord.invalid/api/webhooks/canary-08",
}


def traces(folder: Path, words: dict[str, str] = CANARIES) -> list[str]:
    """Return `name in file` for every file below `folder` that holds one of the words, however it is written there."""
    return [
        f"{name} in {path}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for text in _readings(path)
        for name in found_in(text, words)
    ]


def found_in(text: bytes, words: dict[str, str] = CANARIES) -> list[str]:
    """Return the names of the words that stand in `text`."""
    return [name for name, word in words.items() if any(form in text for form in _forms(word))]


def _forms(word: str) -> Iterator[bytes]:
    yield word.encode()
    yield quote(word, safe="").encode()
    yield json.dumps(word)[1:-1].encode()
    yield base64.b64encode(word.encode())


def _readings(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and what they say where they are packed or in pages."""
    with suppress(FileNotFoundError):  # a temporary file
        data = path.read_bytes()
        yield data
        if data.startswith(b"\x1f\x8b"):
            yield gzip.decompress(data)
        if data.startswith(b"PAR1") and data.endswith(b"PAR1"):
            yield str(pq.read_table(path).to_pylist()).encode()
        if data.startswith(b"SQLite format 3"):
            with sqlite3.connect(path) as database:
                yield "\n".join(database.iterdump()).encode()


class Watch:
    """Looks at the command lines and the temporary files of a run while it goes on."""

    def __init__(self, process_id: int, temporary: Path):
        self.seen: set[str] = set()
        self.looked = 0
        self._process_id = process_id
        self._temporary = temporary
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.is_set():
            with suppress(psutil.Error):
                for process in psutil.Process(self._process_id).children(recursive=True):
                    self.seen.update(found_in(" ".join(process.cmdline()).encode()))
            self.looked += sum(1 for _ in self._temporary.rglob("spec.json"))
            self.seen.update(traces(self._temporary))
            time.sleep(0.3)
