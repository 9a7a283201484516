"""What becomes of an exception that nobody foresaw: one line with its cause, and a file with the whole trace.

Errors that were foreseen (`UserError`) pass unchanged. It is used at the edges alone, where a process or a run would
end with a traceback: a worker, a stage, a flow, a command.
"""

import os
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from stillhouse.encodable import encodable
from stillhouse.errors import UnexpectedError, UnexpectedTrouble, UserError, can_pass
from stillhouse.repository import ROOT
from stillhouse.runtime.variables import VARIABLES

_MAX_CAUSE_CHARS = 600


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn what nobody foresaw into one line; also a decorator. `name` begins the name of the file with the trace.

    Raises:
        UserError: as it was raised.
        UnexpectedError: for every other exception.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - the rim of a run: a traceback tells its reader nothing
        raise unexpected_error(error, name) from None


def unexpected_error(error: BaseException, name: str) -> UnexpectedError:
    """Return the error to show in place of `error`, whose whole trace is kept in a file."""
    kind = UnexpectedTrouble if can_pass(error) else UnexpectedError
    return kind(with_trace(cause_of(error), trace_of(error), name))


def with_trace(cause: str, trace: str, name: str) -> str:
    """Return the line that says `cause` and where the whole trace is kept."""
    path = keep_trace(trace, name)
    where = f"The whole trace is in {path}." if path else "No file could be written to hold the whole trace."
    return f"{cause}. {where} If this does not say what to mend, report it with the trace."


def cause_of(error: BaseException) -> str:
    """Return the type and message of an exception on one line, with the line of our own code that met it."""
    line = " ".join(encodable(str(error)).split()).rstrip(".")
    short = line if len(line) <= _MAX_CAUSE_CHARS else line[:_MAX_CAUSE_CHARS] + " …"
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    place = f" ({Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno})" if ours else ""
    return f"{type(error).__name__}{': ' + short if short else ''}{place}"


def trace_of(error: BaseException) -> str:
    """Return the whole traceback, with the exceptions that led to it."""
    return encodable("".join(traceback.format_exception(error)))


def trace_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of kept traces; read from the environment, since settings may be what failed."""
    work = environment.get("STILLHOUSE_WORK", ROOT / VARIABLES["STILLHOUSE_WORK"].default)
    return Path(work).absolute() / "traces"


def keep_trace(trace: str, name: str) -> Path | None:
    """Write `trace` to a new file and return it; None if no folder can be written."""
    file = f"{name.replace('/', '-').replace(' ', '-')}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}.log"
    # the second if the disk of the first is what failed
    for folder in (trace_folder(), Path(tempfile.gettempdir()) / "stillhouse-traces"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(encodable(trace), encoding="utf-8")
        except OSError:
            continue
        return folder / file
    return None


def _is_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(ROOT) and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
