"""Ends processes that would outlive the process that started them.

A killed process runs no code of its own: only another process can clean up after it. A guard waits on a pipe that the
kernel closes when its maker dies, however it dies.
"""

import contextlib
import os
import subprocess
import sys

import psutil

_GUARD = """
import os, signal, sys
sys.stdin.buffer.read()
try:
    os.killpg(int(sys.argv[2]), signal.SIGKILL) if sys.argv[1] == "group" else os.kill(int(sys.argv[2]), signal.SIGTERM)
except ProcessLookupError:
    pass
"""
guarded_servers: dict[int, "subprocess.Popen[bytes]"] = {}


def guard_group(pid: int) -> "subprocess.Popen[bytes]":
    """Return a guard that kills the process group `pid` when this process dies; kill the guard once it has no use.

    A worker's parent-death signal reaches the worker alone; an engine's helper processes are its children and would
    go on holding memory.
    """
    return _start("group", pid)


def guard_process(pid: int) -> "subprocess.Popen[bytes]":
    """Return a guard that ends the process `pid` when this process dies; kill the guard once it has no use."""
    return _start("process", pid)


def guard_ephemeral_server() -> None:
    """Start a guard for each of Prefect's ephemeral servers below this process.

    Prefect ends that server at exit only, and a killed process has no exit.
    """
    for child in psutil.Process(os.getpid()).children():
        # a child that has ended, waited for or not, has no command line to read
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(child.cmdline())
            if "prefect.server.api.server:create_app" in command and child.pid not in guarded_servers:
                guarded_servers[child.pid] = guard_process(child.pid)


def _start(kind: str, pid: int) -> "subprocess.Popen[bytes]":
    # -S -E: the guard needs the interpreter alone, and must start fast
    command = [sys.executable, "-S", "-E", "-c", _GUARD, kind, str(pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
