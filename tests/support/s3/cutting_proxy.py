"""A TCP proxy that calls back once so many bytes have passed one way, so that a server can be killed half-way."""

import contextlib
import socket
import threading
from collections.abc import Callable


class CuttingProxy:
    """Forwards a free loopback port to `target_port`; `cut_after` arms it for one cut."""

    def __init__(self, target_port: int):
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        self._cut: Callable[[], None] = lambda: None

    def cut_after(self, size_bytes: int, way: str, cut: Callable[[], None]) -> None:
        """Call `cut` when `size_bytes` have passed `up` to the server or `down` to the client."""
        with self._lock:
            self._left, self._cut = {way: size_bytes}, cut

    def __enter__(self) -> "CuttingProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target_port))
                except OSError:
                    client.close()
                    continue
                for source, sink, way in ((client, server, "up"), (server, client, "down")):
                    threading.Thread(target=self._pump, args=(source, sink, way), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                sink.sendall(data)
                self._count(way, len(data))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _count(self, way: str, size_bytes: int) -> None:
        with self._lock:
            if way not in self._left:
                return
            self._left[way] -= size_bytes
            if self._left[way] <= 0:
                del self._left[way]
                self._cut()
