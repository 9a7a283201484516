"""The worker's side of the protocol: a spec file in, events out, a summary at the end.

It runs in the engine environment and imports nothing of the control environment.
Command: `python -m stillhouse.<package>.worker spec.json`
"""

import json
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

from pydantic import BaseModel

from stillhouse.encodable import encodable
from stillhouse.errors import UnexpectedError, UserError
from stillhouse.runtime.events import Done, Error, Event, Log, Metric, Progress
from stillhouse.runtime.unexpected import cause_of, trace_of

Spec = TypeVar("Spec", bound=BaseModel)
_BEAT_S = 30.0


class Reporter:
    """Writes events to the pipe that control reads."""

    def __init__(self, pipe: TextIO, min_interval_s: float = 0.5, *, is_main: bool = True) -> None:
        """Take the pipe; of several processes of one worker the main one alone reports more than an error."""
        self._pipe = pipe
        self._is_main = is_main
        self._min_interval_s = min_interval_s
        self._last_progress = -math.inf
        self._last_beat = time.monotonic()
        self._lock = threading.Lock()  # a store's threads warn while others report

    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None:
        """Report progress. Reports within `min_interval_s` of the last one are left out, but never the final one."""
        now = time.monotonic()
        if done < total and now - self._last_progress < self._min_interval_s:
            return
        self._last_progress = now
        self._write(Progress(done=done, total=total, unit=unit, detail=detail))

    def beat(self) -> None:
        """Say that long preparations go on, at most every 30 s: a worker that says nothing is ended."""
        now = time.monotonic()
        if now - self._last_beat >= _BEAT_S:
            self._last_beat = now
            self._write(Log(text="still preparing"))

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Report one number."""
        self._write(Metric(name=name, value=value, step=step))

    def log(self, text: str) -> None:
        """Report one line for the run's log."""
        self._write(Log(text=text))

    def warn(self, text: str) -> None:
        """Report one line that whoever started the run should see."""
        self._write(Log(text=text, is_warning=True))

    def finish(self, event: Done | Error) -> None:
        """Report how the work ended."""
        self._write(event)

    def _write(self, event: Event) -> None:
        if not (self._is_main or isinstance(event, Error)):
            return
        line = json.dumps(event.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._pipe.write(encodable(line) + "\n")
            self._pipe.flush()


class _Warnings(logging.Handler):
    """Makes events of the library's warnings, which stand among other libraries' lines on standard error."""

    def __init__(self, report: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Report one warning."""
        self._report.warn(record.getMessage())


def rank() -> int:
    """Return which of a worker's processes this is, as torch's launcher says; 0 is the main one, or the only."""
    return int(os.environ["RANK"]) if is_launched() else 0


def is_launched() -> bool:
    """Return whether torch's launcher started this process; a cluster may set RANK for purposes of its own."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def serve(spec_model: type[Spec], run: Callable[[Spec, Reporter], dict[str, Any]]) -> None:
    """Run `run` on the spec named on the command line and exit 0 with a `done` event, or 1 with an `error` event.

    Whatever `run` raises is an event: what nobody foresaw goes with its trace, for control to keep.
    """
    report = Reporter(_take_stdout(), is_main=rank() == 0)
    logging.getLogger("stillhouse").addHandler(_Warnings(report))
    try:
        spec = spec_model.model_validate_json(Path(sys.argv[1]).read_text())
        report.finish(Done(summary=run(spec, report)))
    except UserError as error:
        report.finish(Error(kind=type(error).__name__, message=str(error)))
        _leave(1)
    except Exception as error:  # noqa: BLE001 - the worker's rim: control shows one line, whatever it was
        report.finish(Error(kind=UnexpectedError.__name__, message=cause_of(error), trace=trace_of(error)))
        _leave(1)
    _leave(0)


def _take_stdout() -> TextIO:
    """Return the real standard output and send all other writes to it to standard error.

    Libraries print to file descriptor 1 from C too, and a stray line among the events would break the protocol.
    """
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def _leave(code: int) -> None:
    # engines leave threads and processes behind that would block a normal exit
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
