"""A Prefect server for one run, where no other is set: it starts while the command reads its recipe.

Prefect's own temporary server loads all of a server's code into the run as well, and starts when the run does. This one
is a process alone. Its socket is open before it is: no port is lost to another process, and it takes nobody but
whoever has the password. Servers at once have a database each: the first has that of Prefect's home, where a server of
one's own shows its runs later, and SQLite would have one wait for the other, or fail.
"""

import atexit
import contextlib
import fcntl
import itertools
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from stillhouse.errors import ServiceError
from stillhouse.runtime.orphan_guard import guard_process
from stillhouse.runtime.quick_imports import quick_imports

_OWN_SERVER = "set PREFECT_API_URL to a server of your own"
_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
_OLD_DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"


class TemporaryServer:
    """The process of a server, from its start on; it ends with this process, however that ends."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            self.login = f"stillhouse:{secrets.token_urlsafe(24)}"
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(listening.fileno())],
                env={
                    **os.environ,
                    "PREFECT_SERVER_API_AUTH_STRING": self.login,
                    "PREFECT_API_AUTH_STRING": self.login,
                },
                pass_fds=[listening.fileno()],
            )
        self._guard = guard_process(self._process.pid)
        atexit.register(self.stop)

    def wait(self, timeout_s: float) -> None:
        """Return once the server answers.

        Raises:
            ServiceError: it ended, or gave no answer for so long.
        """
        import httpx

        began = time.monotonic()
        with httpx.Client(trust_env=False, timeout=timeout_s) as client:
            while (left := began + timeout_s - time.monotonic()) > 0:
                if self._process.poll() is not None:
                    raise ServiceError(
                        f"Prefect's temporary server ended at its start, with exit code {self._process.returncode}. "
                        f"What it said is above. Mend that, or {_OWN_SERVER}."
                    )
                try:
                    if client.get(f"{self.url}/health", timeout=left).is_success:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise ServiceError(
            f"Prefect's temporary server gave no answer for {timeout_s:.0f} s. Set "
            f"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS to wait longer, or {_OWN_SERVER}."
        )

    def stop(self) -> None:
        """End the server; one that has ended stays so."""
        atexit.unregister(self.stop)
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.kill()
        self._guard.wait()


def start_early() -> TemporaryServer | None:
    """Start a server, unless the environment names one; whether a profile does is known only once Prefect is loaded."""
    return None if os.environ.get("PREFECT_API_URL") else TemporaryServer()


def take_database() -> None:
    """Take for this process, as long as it lives, a database that no other temporary server has.

    One that the environment names is left as it is.
    """
    if os.environ.get(_DATABASE) or os.environ.get(_OLD_DATABASE):
        return
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser().absolute()
    if _take(home):
        return
    others = (home / f"temporary-{number}" for number in itertools.count(2))
    free = next(folder for folder in others if _take(folder))
    os.environ[_DATABASE] = f"sqlite+aiosqlite:///{free}/prefect.db"


def _take(folder: Path) -> bool:
    """Hold the lock of a folder until this process ends; return whether it was free."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder / "stillhouse.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return False
    return True


def serve(descriptor: int) -> None:
    """Serve Prefect's API on an open socket until a signal ends it; return at once if a server is set already."""
    listening = socket.socket(fileno=descriptor)
    take_database()
    with quick_imports():
        from prefect.settings import get_current_settings

        settings = get_current_settings()
        if settings.api.url or not settings.server.ephemeral.enabled:
            return
        # what Prefect sets for its own: no page, and no other server after it
        os.environ |= {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        import uvicorn
        from prefect.server.api.server import create_app

    uvicorn.Server(uvicorn.Config(create_app(), log_level="error", lifespan="on")).run(sockets=[listening])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # a terminal's Ctrl-C reaches it too, and the run says all there is
        serve(int(sys.argv[1]))
