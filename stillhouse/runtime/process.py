"""The control side of the worker protocol: starts a worker in the engine's Python and never leaves it behind."""

import contextlib
import ctypes
import os
import re
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from stillhouse import errors
from stillhouse.repository import ROOT
from stillhouse.runtime.events import EVENT, Done, Error, Event, Log
from stillhouse.runtime.orphan_guard import guard_group
from stillhouse.runtime.unexpected import with_trace

_PR_SET_PDEATHSIG = 1
# lines of a worker's output that are kept with the trace of an error
_KEPT_LINES = 400
_MISSING_PACKAGE = re.compile(r"ModuleNotFoundError: No module named ('[^']+')")
# the last line of a traceback, of whichever process of an engine
_RAISED = re.compile(r"(?:^|\s)((?:\w+\.)*\w*(?:Error|Exception)): (\S.*)$")
_WHICH_PYTHON = "STILLHOUSE_ENGINE_PYTHON to the interpreter of an environment that holds vLLM and TRL."
# seconds for an orderly end: a worker waits for answers that are paid for, and stores them
_GRACE_S = 30.0
_running: "set[subprocess.Popen[bytes]]" = set()
_libc = ctypes.CDLL(None, use_errno=True)

OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Limits:
    """How long a worker may take, in seconds."""

    silent: float = 900.0  # without any output
    total: float = 86_400.0


DEFAULT_LIMITS = Limits()


def run_worker(
    module: str,
    spec: BaseModel,
    *,
    python: Path,
    on_event: OnEvent = lambda event: None,
    environment: dict[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    stop: threading.Event | None = None,
) -> dict[str, object]:
    """Run `module` on `spec` in its own process group and return the summary of its `done` event.

    In the main thread a signal's exception ends it; in another thread only `stop` does.

    Raises:
        UserError: of the kind that the worker reported.
        UnexpectedError: the worker failed with what nobody foresaw.
        WorkerError: the interpreter or a package is missing, the worker ended without a `done` event, it went beyond
            `limits`, or `stop` was set.
    """
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise errors.WorkerError(
            f"The engine's Python is not at {python}, or may not be run. Run `make setup`, or set {_WHICH_PYTHON}"
        )
    with tempfile.TemporaryDirectory(prefix="stillhouse-spec-") as folder:
        spec_path = Path(folder) / "spec.json"
        spec_path.write_text(spec.model_dump_json())
        with _child([str(python), "-m", module, str(spec_path)], environment or {}) as child:
            return _follow(child, module, on_event, limits, stop)


def _follow(
    child: subprocess.Popen[bytes], module: str, on_event: OnEvent, limits: Limits, stop: threading.Event | None
) -> dict[str, object]:
    last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
    outcome: Done | Error | None = None
    for stream, line in _lines(child, limits, module, stop):
        if stream == "stderr":
            last_lines.append(line)
            on_event(Log(text=line))
            continue
        try:
            event = EVENT.validate_json(line)
        except ValidationError:
            last_lines.append(line)
            continue
        if isinstance(event, Done | Error):
            outcome = event
            # what the engine leaves running is ended with the group, not waited for
            break
        on_event(event)
    if isinstance(outcome, Done):
        return outcome.summary
    if isinstance(outcome, Error):
        raise _error_of(outcome, module, last_lines)
    raise _unreported_end(child.wait(), module, last_lines)


def _error_of(event: Error, module: str, last_lines: Sequence[str]) -> errors.UserError:
    if event.trace:
        lines = [*last_lines, event.trace]
        return _missing_package(event.message) or errors.UnexpectedError(_with_trace(event.message, lines, module))
    kind = getattr(errors, event.kind, errors.WorkerError)
    return kind(event.message) if issubclass(kind, errors.UserError) else errors.WorkerError(event.message)


def _unreported_end(code: int, module: str, last_lines: Sequence[str]) -> errors.WorkerError:
    how = f" ({signal.strsignal(-code)})" if code < 0 else ""
    if code == -signal.SIGKILL:
        how = " (killed, as the system does when memory is short)"
    said = f", with the last line: {last_lines[-1].strip()}" if last_lines else ""
    cause = f"{module} ended with exit code {code}{how} before it reported `done`{said}"
    return _missing_package(cause) or errors.WorkerError(_with_trace(cause, last_lines, module))


def _missing_package(cause: str) -> errors.WorkerError | None:
    missing = _MISSING_PACKAGE.search(cause)
    if missing is None:
        return None
    return errors.WorkerError(
        f"The engine's Python lacks the package {missing[1]}. Run `make setup`, or set {_WHICH_PYTHON}"
    )


def _with_trace(cause: str, lines: Sequence[str], module: str) -> str:
    """Return the one line for an end that nobody foresaw, with all that was printed in a file."""
    # an engine's own process says what happened, and the worker only that it did
    if "root cause" in cause.lower() and (raised := [found for line in lines if (found := _RAISED.search(line))]):
        cause = f"{raised[0][1]}: {raised[0][2]} (the engine's own process; then {cause})"
    return with_trace(cause, "\n".join(lines), module.rpartition("stillhouse.")[2])


@contextlib.contextmanager
def _child(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # async-signal-safe: one prctl call
    )
    guard = guard_group(child.pid)
    _running.add(child)
    try:
        yield child
    finally:
        end_group(child)
        _running.discard(child)
        guard.kill()
        guard.communicate()


def end_workers(grace_s: float = _GRACE_S) -> None:
    """Have every worker of this process end in good order, and wait for at most `grace_s` until all have."""
    children = list(_running)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
    give_up = time.monotonic() + grace_s
    while any(child.poll() is None for child in children) and time.monotonic() < give_up:
        time.sleep(0.05)


def end_group(child: subprocess.Popen[bytes], grace_s: float = _GRACE_S) -> None:
    """End the child's whole process group: SIGTERM, then SIGKILL after `grace_s`."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=grace_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _lines(
    child: subprocess.Popen[bytes], limits: Limits, module: str, stop: threading.Event | None
) -> Iterator[tuple[str, str]]:
    """Yield (stream name, line) from both pipes until both are closed."""
    pipes: dict[str, IO[bytes]] = {"stdout": child.stdout, "stderr": child.stderr}  # type: ignore[dict-item]
    pending = {name: b"" for name in pipes}
    with selectors.DefaultSelector() as selector:
        for name, pipe in pipes.items():
            selector.register(pipe, selectors.EVENT_READ, name)
        started = last_output = time.monotonic()
        while selector.get_map():
            ready = selector.select(timeout=1.0)
            now = time.monotonic()
            _check_limits(module, limits, stop, silent_s=0.0 if ready else now - last_output, total_s=now - started)
            for key, _ in ready:
                last_output = now
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                *whole, pending[key.data] = (pending[key.data] + chunk).split(b"\n")
                for line in whole:
                    yield key.data, line.decode("utf-8", "replace")
            if not ready and child.poll() is not None:
                # a grandchild that outlives the worker may hold the pipe open; the worker itself has ended
                return


def _check_limits(
    module: str, limits: Limits, stop: threading.Event | None, *, silent_s: float, total_s: float
) -> None:
    if stop is not None and stop.is_set():
        raise errors.WorkerError(f"{module} was ended: the run was cancelled")
    if silent_s > limits.silent:
        raise errors.WorkerError(
            f"{module} reported nothing for {limits.silent:g} s and was ended. If it needs longer, raise "
            "STILLHOUSE_STALL_TIMEOUT."
        )
    if total_s > limits.total:
        raise errors.WorkerError(
            f"{module} was not done after {limits.total:g} s and was ended. If it needs longer, raise "
            "STILLHOUSE_STAGE_TIMEOUT; run again to continue from what it has stored."
        )
