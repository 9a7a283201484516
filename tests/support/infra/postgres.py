"""A real Postgres on a free loopback port, as the compose file's image is told to make one; for tests."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

# Debian keeps the server out of PATH
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None) or (
    Path(found).parent if (found := shutil.which("initdb")) else None
)


class Postgres:
    """The server as a context; user, password and database are those of the image's variables."""

    def __init__(self, environment: dict[str, str], port: int):
        assert BIN
        self._environment, self.port, self._bin = environment, port, BIN
        self._folder = Path(tempfile.mkdtemp(prefix="stillhouse-postgres-"))
        # Postgres refuses to run as root
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Postgres":
        password = self._folder / "password"
        password.write_text(self._environment["POSTGRES_PASSWORD"])
        if self._user:
            for path in (self._folder, password):
                shutil.chown(path, self._user)
        user, data = self._environment["POSTGRES_USER"], self._folder / "data"
        self._run("initdb", "-D", data, "-U", user, f"--pwfile={password}", "--auth=scram-sha-256")
        options = ["-D", data, "-k", self._folder, "-h", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            [self._bin / "postgres", *options], user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert time.monotonic() < deadline, "Postgres did not start"
            time.sleep(0.2)
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, self._environment["POSTGRES_DB"])
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        environment = {**os.environ, "PGPASSWORD": self._environment["POSTGRES_PASSWORD"]}
        subprocess.run(
            [self._bin / program, *arguments], user=self._user, env=environment, check=True, capture_output=True
        )
