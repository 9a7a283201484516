"""A real S3 server on a free loopback port, for tests: `rclone serve s3` over a temporary folder.

with S3Server(folder) as server:
    os.environ.update(server.environment)      # keys and endpoint
    server.client().mkdir("bucket")
"""

import socket
import subprocess
import sys
import time
from pathlib import Path

import s3fs

KEY, SECRET = "TESTKEY0ID", "test-secret-that-must-not-leak"


class S3Server:
    """The server as a context; `kill` and `start` may be called in between, the port stays."""

    def __init__(self, folder: Path, *options: str, key: str = KEY, secret: str = SECRET):
        self.folder = folder
        self.options = options  # of rclone, as --read-only
        self.key, self.secret = key, secret
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables a client needs, and those that keep it off the machine's own settings."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self) -> s3fs.S3FileSystem:
        """A client for making buckets and damaging objects: the server does not see what changes behind its back."""
        return s3fs.S3FileSystem(
            key=self.key,
            secret=self.secret,
            endpoint_url=self.endpoint_url,
            client_kwargs={"region_name": "us-east-1"},
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def start(self) -> None:
        rclone = Path(sys.executable).with_name("rclone")
        command = [rclone, "serve", "s3", "--auth-key", f"{self.key},{self.secret}", "--addr", f"127.0.0.1:{self.port}"]
        self._process = subprocess.Popen(
            [*command, "--config", "/dev/null", *self.options, self.folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"rclone serve s3 did not answer on port {self.port}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "S3Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
