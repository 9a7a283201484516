"""A store that can't be used: one line with the cause and its remedy, before anything is read."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stillhouse.artifacts.preflight import check_store
from stillhouse.errors import UserError
from stillhouse.runtime.settings import load_settings
from tests.support.pipeline import Pipeline
from tests.support.s3.server import SECRET, S3Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    with S3Server(tmp_path / "served") as server:
        yield server


@pytest.fixture(autouse=True)
def _store_on_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLHOUSE_STORE", "s3://bucket/p")
    monkeypatch.setenv("STILLHOUSE_STORE_TIMEOUT", "5")


def refusal(monkeypatch: pytest.MonkeyPatch, server: S3Server, **settings: str) -> str:
    """Return the one line of a run's check of the store, with the server's settings and those given."""
    for name, value in (server.environment | settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as caught:
        check_store(load_settings().store)
    seen = str(caught.value)
    assert "\n" not in seen
    assert SECRET not in seen
    return seen


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"AWS_ACCESS_KEY_ID": "other"}, "S3 refused the keys [InvalidAccessKeyId]; set AWS_ACCESS_KEY_ID and"),
        ({"AWS_SECRET_ACCESS_KEY": "other"}, "S3 refused the keys [SignatureDoesNotMatch]; set AWS_ACCESS_KEY_ID and"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no usable S3 keys were found; set AWS_ACCESS_KEY_ID"),
        (
            {"STILLHOUSE_STORE": "s3://nowhere/p"},
            "there is no bucket `nowhere`; create it, or fix STILLHOUSE_STORE",
        ),
        ({"STILLHOUSE_STORE": "abfs://bucket/p"}, "az://container/prefix; abfs:// is not supported"),
        ({"STILLHOUSE_STORE": "s3://key:hunter2@bucket/p"}, "s3://bucket/prefix, without keys; keys are AWS_*"),
        ({"AWS_ENDPOINT_URL": "http://user:hunter2@host:9"}, "AWS_ENDPOINT_URL is http://host:port or https://host"),
        ({"STILLHOUSE_STORE_PATIENCE": "long"}, "STILLHOUSE_STORE_PATIENCE is 'long'; it must be a number of seconds"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_store_wrong_setting_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, server: S3Server, settings: dict[str, str], expected: str
) -> None:
    seen = refusal(monkeypatch, server, **settings)
    assert expected in seen
    assert "hunter2" not in seen


def test_store_read_only_bucket_is_named_with_the_missing_right(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    with S3Server(tmp_path / "served", "--read-only") as server:
        seen = refusal(monkeypatch, server)
    assert "s3://bucket/p can be read but not written [InternalError]" in seen
    assert "give these keys the right to put and delete objects there, or name another STILLHOUSE_STORE" in seen


def test_store_no_server_names_the_endpoint(monkeypatch: pytest.MonkeyPatch, server: S3Server) -> None:
    server.kill()
    seen = refusal(monkeypatch, server)
    assert f"the S3 server {server.endpoint_url} does not answer; start it, or fix AWS_ENDPOINT_URL" in seen


def test_store_server_without_tls_names_the_endpoint(monkeypatch: pytest.MonkeyPatch, server: S3Server) -> None:
    endpoint = server.endpoint_url.replace("http://", "https://")
    seen = refusal(monkeypatch, server, AWS_ENDPOINT_URL=endpoint)
    assert f"no safe connection to the S3 server {endpoint}" in seen
    assert "fix AWS_ENDPOINT_URL or AWS_CA_BUNDLE" in seen


class _Web(http.server.BaseHTTPRequestHandler):
    """A web server that knows nothing of S3."""

    status = 200

    def _handle(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        page = b"<!doctype html><html><body>Welcome<br></body></html>"
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Location", "/")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_server(status: int) -> Iterator[str]:
    handler = type("_WebOf", (_Web,), {"status": status})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 301, 403, 404, 405, 501])
def test_store_web_server_as_endpoint_is_named_as_no_s3_server(
    monkeypatch: pytest.MonkeyPatch, server: S3Server, status: int
) -> None:
    with web_server(status) as endpoint:
        seen = refusal(monkeypatch, server, AWS_ENDPOINT_URL=endpoint)
    assert endpoint in seen
    assert "fix AWS_ENDPOINT_URL" in seen or f"fix STILLHOUSE_STORE; fix AWS_ENDPOINT_URL ({endpoint})" in seen
    assert "no S3 server" in seen


@pytest.fixture
def pipeline(tmp_path: Path, server: S3Server) -> Pipeline:
    pipeline = Pipeline(tmp_path / "mine", settings=server.environment | {"STILLHOUSE_STORE": "s3://bucket/p"})
    pipeline.write()
    return pipeline


def test_run_wrong_secret_key_is_one_line_before_prefect_starts(pipeline: Pipeline) -> None:
    pipeline.settings |= {"AWS_SECRET_ACCESS_KEY": "other"}
    seen = pipeline.refuse().strip()
    assert seen.startswith("stillhouse: could not write probe/")
    assert "S3 refused the keys [SignatureDoesNotMatch]; set AWS_ACCESS_KEY_ID and" in seen
    assert len(seen.split("\n")) == 1, seen
    # the lock of its database is taken while the recipe is read
    assert not (pipeline.folder / "prefect" / "prefect.db").exists()


def test_run_recipe_with_a_password_is_refused_by_its_field(pipeline: Pipeline) -> None:
    path = pipeline.folder / "recipe.yaml"
    path.write_text(path.read_text().replace("messages.jsonl", "https://user:hunter2@host/messages.jsonl"))
    seen = pipeline.refuse()
    assert "data.train.path: 'https://***@host/messages.jsonl' is refused" in seen
    assert "hunter2" not in seen
