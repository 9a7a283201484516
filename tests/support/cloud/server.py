"""A server on a free loopback port with the parts of Google's XML API and of Azure's blob API that obstore uses.

Their rules as their documents state them: conditions of writes by generation and by ETag, pages of listings, uploads in
parts. It stands in for both: no emulator of either is a Python package.

with CloudServer() as server:
    os.environ.update(server.environment)
"""

import base64
import itertools
import threading
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.cloud.pages import azure_page, batch_answer, deleted, google_page, part_names

BUCKET, PREFIX = "bucket", "some/prefix"
SECRET = base64.b64encode(b"an account key that must not leak").decode()


class Blob(NamedTuple):
    data: bytes
    generation: int
    modified: datetime

    @property
    def etag(self) -> str:
        return f'"{self.generation:x}"'


class CloudServer:
    """The server as a context; it holds one bucket, which is a container too."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.parts: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.generations = itertools.count(1)
        self.keeps_conditions = True
        self.page_size = 3
        # what becomes of the next requests: a status to answer with, "lost answer", or None for nothing
        self.script: list[int | str | None] = []
        self.requests: list[str] = []
        handler = type("Handler", (_Handler,), {"cloud": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a client of either kind needs."""
        return {
            "GOOGLE_BASE_URL": self.url,
            "GOOGLE_BEARER_TOKEN": "token-that-must-not-leak",
            "AZURE_STORAGE_ENDPOINT": self.url,
            "AZURE_STORAGE_ACCOUNT_NAME": "account",
            "AZURE_STORAGE_ACCOUNT_KEY": SECRET,
        }

    def put(self, key: str, data: bytes) -> Blob:
        self.blobs[key] = blob = Blob(data, next(self.generations), datetime.now(UTC))
        return blob

    # as tests.support.s3.stored.Stored, of the prefix that the tests' stores have

    def keys(self) -> list[str]:
        return [key.removeprefix(f"{PREFIX}/") for key in self.blobs]

    def write(self, key: str, data: bytes) -> None:
        self.put(f"{PREFIX}/{key}", data)

    def delete(self, key: str) -> None:
        del self.blobs[f"{PREFIX}/{key}"]

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud: CloudServer

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cloud = self.cloud
        with cloud.lock:
            cloud.requests.append(f"{self.command} {self.path}")
            fault = cloud.script.pop(0) if cloud.script else None
            if isinstance(fault, int):
                return self.reply(fault, b"<Error><Message>secret of the server</Message></Error>")
            address = urlsplit(self.path)
            self.query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
            bucket, _, key = unquote(address.path).lstrip("/").partition("/")
            if bucket != BUCKET:
                return self.reply(404)
            if fault == "lost answer":
                self.route(key, body, is_heard=False)
                return self.reply(503)
            self.route(key, body)
        return None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def route(self, key: str, body: bytes, *, is_heard: bool = True) -> None:
        self.is_heard = is_heard
        if self.command in ("GET", "HEAD"):
            self.send_list() if not key else self.send_blob(key)
        elif self.command == "DELETE":
            self.reply(204 if self.cloud.blobs.pop(key, None) else 404)
        elif self.query.get("comp") == "batch":
            gone = [self.cloud.blobs.pop(unquote(path).partition(f"/{BUCKET}/")[2], None) for path in deleted(body)]
            kind, data = batch_answer([202 if blob else 404 for blob in gone])
            self.reply(202, data, Content_Type=kind)
        elif self.command == "POST":
            self.complete(key, body)
        else:
            self.store(key, body)

    def store(self, key: str, body: bytes) -> None:
        if name := self.query.get("blockid") or self.query.get("partNumber"):
            self.cloud.parts[f"{self.query.get('uploadId', key)}/{name}"] = body
            self.reply(201 if "blockid" in self.query else 200, ETag=f'"{uuid.uuid4().hex}"')
        elif self.cloud.keeps_conditions and (status := self.unmet(key)):
            self.reply(status)
        else:
            names = part_names(body) if self.query.get("comp") == "blocklist" else None
            data = body if names is None else b"".join(self.cloud.parts.pop(f"{key}/{name}") for name in names)
            self.reply_of(self.cloud.put(key, data), 201)

    def complete(self, key: str, body: bytes) -> None:
        if "uploads" in self.query:
            return self.reply(200, f"<R><UploadId>{uuid.uuid4().hex}</UploadId></R>".encode())
        names = part_names(body)
        data = b"".join(self.cloud.parts.pop(f"{self.query['uploadId']}/{name}") for name in names)
        blob = self.cloud.put(key, data)
        return self.reply(200, f"<R><ETag>{blob.etag}</ETag></R>".encode(), **_names(blob))

    def unmet(self, key: str) -> int | None:
        """Return the status that the request's condition is refused with, if it is not met."""
        blob, headers = self.cloud.blobs.get(key), self.headers
        if (generation := headers.get("x-goog-if-generation-match")) is not None:
            return None if int(generation) == (blob.generation if blob else 0) else 412
        if headers.get("If-None-Match") == "*" and blob:
            return 409
        return None if headers.get("If-Match") in (None, blob and blob.etag) else 412

    def send_blob(self, key: str) -> None:
        if (blob := self.cloud.blobs.get(key)) is None:
            return self.reply(404)
        if given := self.headers.get("Range"):
            start, _, end = given.removeprefix("bytes=").partition("-")
            part = blob.data[int(start) : int(end or len(blob.data)) + 1]
            span = f"bytes {start}-{int(start) + len(part) - 1}/{len(blob.data)}"
            return self.reply(206, part, **_names(blob), **{"Content-Range": span})
        return self.reply_of(blob, 200, blob.data)

    def send_list(self) -> None:
        prefix, after = self.query.get("prefix", ""), self.query.get("continuation-token", self.query.get("marker", ""))
        found = sorted((key, blob) for key, blob in self.cloud.blobs.items() if key.startswith(prefix) and key > after)
        page = found[: self.cloud.page_size]
        more = page[-1][0] if len(found) > len(page) else ""
        make = google_page if "list-type" in self.query else azure_page
        self.reply(200, make(page, more).encode())

    def reply_of(self, blob: Blob, status: int, data: bytes = b"") -> None:
        self.reply(status, data, **_names(blob))

    def reply(self, status: int, data: bytes = b"", **headers: str) -> None:
        if not getattr(self, "is_heard", True):
            self.is_heard = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _names(blob: Blob) -> dict[str, str]:
    """Return the headers that say which version of an object this is."""
    return {
        "ETag": blob.etag,
        "x_goog_generation": str(blob.generation),
        "Last_Modified": format_datetime(blob.modified, usegmt=True),
    }
