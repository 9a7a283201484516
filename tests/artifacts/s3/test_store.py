"""What a user sees, and what the store holds, when S3 fails: wrong keys, no bucket, no server, a server that dies."""

import http.server
import json
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.record import Record
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import ArtifactCorrupt, StoreError, StoreUnavailable
from tests.support.s3.cutting_proxy import CuttingProxy
from tests.support.s3.server import KEY, SECRET, S3Server

pytestmark = pytest.mark.slow

REF = ArtifactRef(stage="train", fingerprint="a" * 64)
SIZE = 64 * 2**20


@pytest.fixture
def proxy(own_server: S3Server) -> Iterator[CuttingProxy]:
    with CuttingProxy(own_server.port) as proxy:
        yield proxy


def through(proxy: CuttingProxy, tmp_path: Path) -> StoreConfig:
    return config(f"http://127.0.0.1:{proxy.port}", tmp_path)


def config(endpoint_url: str, tmp_path: Path) -> StoreConfig:
    return StoreConfig(
        url="s3://bucket/p", endpoint_url=endpoint_url, cache_dir=tmp_path / "cache", timeout_s=3, patience_s=3
    )


def commit_large(store: Store, content: bytes) -> Record:
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(content)
        return work.commit({})


def attempts(store: Store) -> list[tuple[object, ...]]:
    calls = (
        (check_store, store.config),
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


def test_store_missing_bucket_is_named_and_not_created(s3_config: StoreConfig, s3_server: S3Server) -> None:
    for message in messages(Store(s3_config.model_copy(update={"url": "s3://no-such-bucket/p"}))):
        assert "no bucket `no-such-bucket`" in message
        assert "STILLHOUSE_STORE" in message
    assert not s3_server.client().exists("no-such-bucket")


def test_check_store_no_server_names_the_endpoint(own_server: S3Server, tmp_path: Path) -> None:
    own_server.kill()
    with pytest.raises(StoreError) as caught:
        check_store(config(own_server.endpoint_url, tmp_path))
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
        store = Store(StoreConfig(url="s3://b/p", endpoint_url=endpoint, timeout_s=0.5, patience_s=2))
        started = time.monotonic()
        with pytest.raises(StoreError, match="does not answer"):
            store.put_text("runs/1/x", "x" * size)
        # the patience, and one last try: a timeout for each MiB and two more
        assert time.monotonic() - started < 2 + 0.5 * (2 + size / 2**20) + 1


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
    elsewhere = Store(store.config.model_copy(update={"cache_dir": tmp_path / "another machine"}))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        elsewhere.fetch(REF)
    assert [path for path in (tmp_path / "another machine").rglob("weights")] == []
    own_server.start()
    assert (elsewhere.fetch(REF) / "weights").read_bytes() == content


def test_fetch_large_file_altered_in_the_store_is_refused(own_server: S3Server, tmp_path: Path) -> None:
    store = Store(config(own_server.endpoint_url, tmp_path))
    record = commit_large(store, b"x" * (SIZE + 1))  # too large for `find` to hash from afar
    key = f"bucket/p/artifacts/train/{'a' * 64}/{record.attempt}/weights"
    own_server.client().pipe_file(key, b"x" * SIZE + b"y")
    elsewhere = Store(store.config.model_copy(update={"cache_dir": tmp_path / "another machine"}))
    assert elsewhere.find("train", "a" * 64) is not None
    with pytest.raises(ArtifactCorrupt, match=r"does not have the SHA-256|another checksum"):
        elsewhere.fetch(REF)
    assert [path for path in (tmp_path / "another machine").rglob("weights")] == []
    assert (store.fetch(REF) / "weights").stat().st_size == SIZE + 1  # the copy of whoever made it is intact
    own_server.client().pipe_file(key, b"x" * SIZE)
    assert store.find("train", "a" * 64) is None


def test_read_object_with_another_checksum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Damaged) as server:
        for name, value in S3Server(Path("unused")).environment.items():
            monkeypatch.setenv(name, value)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        store = Store(StoreConfig(url="s3://b/p", endpoint_url=endpoint, timeout_s=30, patience_s=30))
        with pytest.raises(ArtifactCorrupt, match="another checksum"):
            store.read_text("runs/1/x")
        server.shutdown()


class Damaged(http.server.BaseHTTPRequestHandler):
    """Answers every GET with bytes that are not those of the checksum beside them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.send_header("x-amz-checksum-crc32", "AAAAAA==")
        self.end_headers()
        self.wfile.write(b"rows")

    def log_message(self, *_: object) -> None:
        pass


def test_writes_ask_for_encryption_by_the_key_that_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in S3Server(tmp_path).environment.items():
        monkeypatch.setenv(name, value)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Accepting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        store = Store(
            StoreConfig(url="s3://b/p", endpoint_url=endpoint, server_side_encryption="aws:kms", kms_key_id="key-1")
        )
        store.put_text("runs/1/x", "x")
        store.put_bytes("runs/1/large", bytes(17 * 2**20))
        server.shutdown()
    paths = ["/b/p/runs/1/x", "/b/p/runs/1/large?uploads"]
    assert Accepting.seen == dict.fromkeys(paths, ("aws:kms", "key-1"))


class Accepting(http.server.BaseHTTPRequestHandler):
    seen: dict[str, tuple[str | None, ...]] = {}  # noqa: RUF012

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if "partNumber" not in self.path and "uploadId" not in self.path:  # the upload is encrypted, not its parts
            names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
            self.seen[self.path] = tuple(self.headers.get(name) for name in names)
        content = b"<Result><UploadId>1</UploadId></Result>"
        self.send_response(200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT

    def log_message(self, *_: object) -> None:
        pass


def test_store_with_the_keys_of_a_role_needs_no_variable(
    own_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Role) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_address[1]}/role")
        store = Store(config(own_server.endpoint_url, tmp_path))
        store.put_text("runs/1/x", "x")
        assert store.read_text("runs/1/x") == "x"
        server.shutdown()


class Role(http.server.BaseHTTPRequestHandler):
    """Hands out keys as the agent of ECS and EKS does."""

    def do_GET(self) -> None:
        keys = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": "", "Expiration": "2099-01-01T00:00:00Z"}
        content = json.dumps(keys).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
