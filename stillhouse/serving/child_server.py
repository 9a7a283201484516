"""An engine's server as a child process, on a socket that this user alone can open."""

import asyncio
import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from stillhouse.errors import ModelError
from stillhouse.repository import ROOT
from stillhouse.runtime.orphan_guard import guard_group
from stillhouse.runtime.process import end_group
from stillhouse.runtime.unexpected import with_trace

_START_S = 1800.0


class ChildServer:
    """A running server; it ends with this process, however that ends."""

    def __init__(
        self, name: str, command: Callable[[Path], list[str]], environment: Mapping[str, str], *, key_variable: str
    ) -> None:
        """Start what `command` makes of its socket; `wait` says when it answers.

        Requests carry a key, which the child finds in `key_variable`: by environment, since every user of the machine
        may read options.
        """
        self._name = name
        self._home = Path(tempfile.mkdtemp(prefix="stillhouse-engine-"))  # 0700
        self._log, socket, key = self._home / "log", self._home / "socket", secrets.token_urlsafe(32)
        with self._log.open("w") as output:
            self._child = subprocess.Popen(
                command(socket),
                env={**environment, key_variable: key, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._guard = guard_group(self._child.pid)
        self.client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_connections=None)),
            base_url="http://engine",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(600.0, connect=10.0),
        )

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._child.poll() is None

    async def wait(self) -> None:
        """Return once it answers.

        Raises:
            ModelError: it ended, or was not ready in half an hour.
        """
        end = time.monotonic() + _START_S
        while self.is_running and time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if (await self.client.get("/health")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
        said = self._said()
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = lines[-1][:300].rstrip(".") if lines else "it said nothing"
        raise ModelError(with_trace(f"{self._name} did not start: {last}", said, "serve"))

    async def is_alive(self) -> bool:
        """Return whether it answers, or is only busy."""
        try:
            response = await self.client.get("/health", timeout=5.0)
        except httpx.TransportError:
            # busy is not dead: its answers take as long as they take
            return self.is_running
        return response.status_code == 200

    async def close(self) -> None:
        """End it and what it started."""
        await self.client.aclose()
        await asyncio.to_thread(end_group, self._child)
        self._guard.kill()
        self._guard.communicate()
        shutil.rmtree(self._home, ignore_errors=True)

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")
        return ""
