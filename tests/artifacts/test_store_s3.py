"""What a user sees, and what the store holds, when S3 fails: wrong keys, no bucket, no server, a server that dies."""

import http.server
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.artifacts.ref import ArtifactRef
from tasks.artifacts.store import Store, StoreConfig
from tasks.recipe.errors import ArtifactCorrupt, StoreError
from tests.artifacts.cutting_proxy import CuttingProxy
from tests.artifacts.s3_server import KEY, SECRET, S3Server

pytestmark = pytest.mark.slow

REF = ArtifactRef(stage="train", fingerprint="a" * 64)
SIZE = 64 * 2**20


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server that the test may kill."""
    (tmp_path / "served").mkdir()
    with S3Server(tmp_path / "served") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.client().mkdir("bucket")
        yield server


@pytest.fixture
def proxy(own_server: S3Server) -> Iterator[CuttingProxy]:
    with CuttingProxy(own_server.port) as proxy:
        yield proxy


def through(proxy: CuttingProxy, tmp_path: Path) -> StoreConfig:
    endpoint_url = f"http://127.0.0.1:{proxy.port}"
    return StoreConfig(url="s3://bucket/p", endpoint_url=endpoint_url, cache_dir=tmp_path / "cache", timeout_s=3)


def config(server: S3Server, tmp_path: Path, timeout_s: float = 3) -> StoreConfig:
    return StoreConfig(
        url="s3://bucket/p", endpoint_url=server.endpoint_url, cache_dir=tmp_path / "cache", timeout_s=timeout_s
    )


def commit_large(store: Store, content: bytes) -> None:
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(content)
        work.commit({})


def attempts(store: Store) -> list[tuple[object, ...]]:
    calls = (
        (store.probe,),
        (store.find, "train", "a" * 64),
        (store.fetch, REF),
        (store.put_text, "runs/1/x", "x"),
        (store.read_text, "runs/1/x"),
        (store.exists, "runs/1/x"),
        (store.list, "runs"),
        (store.delete, "runs/1/x"),
        (commit_large, store, b"x"),
    )
    return list(calls)


def messages(store: Store) -> list[str]:
    """Return the StoreError of every operation; none may hold a secret, nor may what is logged with it."""
    found = []
    for call, *arguments in attempts(store):
        with pytest.raises(StoreError) as caught:
            call(*arguments)  # type: ignore[operator]
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert KEY not in str(caught.value)
        found.append(str(caught.value))
    return found


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_store_wrong_keys_are_named_and_never_shown(
    s3_config: StoreConfig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "wrong-value")
    for message in messages(Store(s3_config)):
        assert "AWS_ACCESS_KEY_ID" in message
        assert "AWS_SECRET_ACCESS_KEY" in message
        assert "wrong-value" not in message


def test_store_no_keys_are_named(s3_config: StoreConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for message in messages(Store(s3_config)):
        assert "no usable S3 keys" in message


def test_store_missing_bucket_is_named_and_not_made(s3_config: StoreConfig, s3_server: S3Server) -> None:
    for message in messages(Store(s3_config.model_copy(update={"url": "s3://no-such-bucket/p"}))):
        assert "no bucket `no-such-bucket`" in message
        assert "STILLHOUSE_STORE" in message
    assert not s3_server.client().exists("no-such-bucket")


def test_probe_no_server_names_the_endpoint(own_server: S3Server, tmp_path: Path) -> None:
    own_server.kill()
    with pytest.raises(StoreError) as caught:
        Store(config(own_server, tmp_path)).probe()
    assert own_server.endpoint_url in str(caught.value)
    assert "AWS_ENDPOINT_URL" in str(caught.value)


@pytest.mark.parametrize("size", [1, 12 * 2**20])
def test_put_text_silent_server_ends_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int
) -> None:
    for name, value in S3Server(tmp_path).environment.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and neither reads nor answers
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = Store(StoreConfig(url="s3://b/p", endpoint_url=endpoint, timeout_s=0.5))
        started = time.monotonic()
        with pytest.raises(StoreError, match="does not answer"):
            store.put_text("runs/1/x", "x" * size)
        assert time.monotonic() - started < 25


def test_commit_server_killed_half_way_leaves_no_artifact(
    own_server: S3Server, proxy: CuttingProxy, tmp_path: Path
) -> None:
    store = Store(through(proxy, tmp_path))
    content = bytes(range(256)) * (SIZE // 256)
    proxy.cut_after(SIZE // 2, "up", own_server.kill)
    with pytest.raises(StoreError, match=r"67,10\d,\d\d\d bytes.*does not answer"):
        commit_large(store, content)
    own_server.start()
    assert Store(store.config).find("train", "a" * 64) is None
    with pytest.raises(StoreError, match="no complete artifact"):
        store.fetch(REF)
    commit_large(store, content)
    assert Store(store.config).find("train", "a" * 64) is not None
    assert (store.fetch(REF) / "weights").read_bytes() == content


def test_fetch_server_killed_half_way_leaves_no_copy(own_server: S3Server, proxy: CuttingProxy, tmp_path: Path) -> None:
    store = Store(through(proxy, tmp_path))
    content = bytes(range(256)) * (SIZE // 256)
    commit_large(store, content)
    proxy.cut_after(SIZE // 2, "down", own_server.kill)
    with pytest.raises(StoreError, match="does not answer"):
        store.fetch(REF)
    assert [path for path in (tmp_path / "cache").rglob("weights")] == []
    own_server.start()
    assert (store.fetch(REF) / "weights").read_bytes() == content


@pytest.mark.parametrize("s3_checks", [True, False])
def test_fetch_large_file_altered_in_the_store_is_refused(
    own_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_checks: bool
) -> None:
    if not s3_checks:  # a store that keeps no checksums of its own
        monkeypatch.setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    store = Store(config(own_server, tmp_path))
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(b"x" * (SIZE + 1))  # too large for `find` to hash from afar
        record = work.commit({})
    key = f"bucket/p/artifacts/train/{'a' * 64}/{record.attempt}/weights"
    own_server.client().pipe_file(key, b"x" * SIZE + b"y")
    assert store.find("train", "a" * 64) is not None
    with pytest.raises(
        ArtifactCorrupt, match="another checksum" if s3_checks else "`weights` does not have the SHA-256"
    ):
        store.fetch(REF)
    own_server.client().pipe_file(key, b"x" * SIZE)
    assert store.find("train", "a" * 64) is None


def test_put_text_asks_for_server_side_encryption(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in S3Server(tmp_path).environment.items():
        monkeypatch.setenv(name, value)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Accepting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        store = Store(StoreConfig(url="s3://b/p", endpoint_url=endpoint, server_side_encryption="aws:kms"))
        store.put_text("runs/1/x", "x")
        (tmp_path / "file").write_text("x")
        store.put_file(tmp_path / "file", "runs/1/file")
        server.shutdown()
    assert Accepting.seen == {"/b/p/runs/1/x": "aws:kms", "/b/p/runs/1/file": "aws:kms"}


class Accepting(http.server.BaseHTTPRequestHandler):
    seen: dict[str, str | None] = {}  # noqa: RUF012

    def do_PUT(self) -> None:
        self.seen[self.path] = self.headers.get("x-amz-server-side-encryption")
        self.send_response(200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
