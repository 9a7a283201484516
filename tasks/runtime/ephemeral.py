"""Ties Prefect's ephemeral server to the process that started it.

Separate because Prefect ends that server at exit only, and a killed process has no exit: its server would live on.
"""

import os
import subprocess
import sys

import psutil

_GUARD = """
import os, signal, sys
sys.stdin.buffer.read()
try:
    os.kill(int(sys.argv[1]), signal.SIGTERM)
except ProcessLookupError:
    pass
"""
_guarded: dict[int, "subprocess.Popen[bytes]"] = {}


def guard_ephemeral_server() -> None:
    """Start a guard for each ephemeral server below this process.

    The guard waits on a pipe that the kernel closes when this process dies, however it dies, and then ends the server.
    """
    for child in psutil.Process(os.getpid()).children():
        command = " ".join(child.cmdline())
        if "prefect.server.api.server:create_app" in command and child.pid not in _guarded:
            _guarded[child.pid] = subprocess.Popen(
                [sys.executable, "-c", _GUARD, str(child.pid)], stdin=subprocess.PIPE, start_new_session=True
            )
