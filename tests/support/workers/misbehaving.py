"""Tiny workers for tests: `python -m tests.support.workers.misbehaving spec.json` does what the spec says."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pydantic import BaseModel

from stillhouse.errors import DataError
from stillhouse.runtime.worker import Reporter, serve


class Spec(BaseModel):
    act: str
    folder: str = ""


def run(spec: Spec, report: Reporter) -> dict[str, object]:
    return {
        "finish": _finish,
        "chat": _chat,
        "refuse": _refuse,
        "crash": _crash,
        "mumble": _mumble,
        "say_half_a_character": _say_half_a_character,
        "die": _die,
        "lose_its_engine": _lose_its_engine,
        "lack": _lack,
        "leave": _leave,
        "hang": _hang,
        "linger": _linger,
        "chatter": _chatter,
        "warn": _warn,
    }[spec.act](spec, report)


def _finish(spec: Spec, report: Reporter) -> dict[str, object]:
    report.progress(1, 2, "rows", rate=3.5)
    report.metric("loss", 0.25, step=4)
    report.log("half way")
    report.progress(2, 2, "rows")
    return {"rows": 2, "name": "ü"}


def _chat(spec: Spec, report: Reporter) -> dict[str, object]:
    print("a library says hello", flush=True)  # noqa: T201
    os.write(1, b'{"event": "done", "summary": {"forged": true}}\n')
    subprocess.run(["echo", '{"event": "done", "summary": {"forged": true}}'], check=True)
    return {"rows": 1}


def _warn(spec: Spec, report: Reporter) -> dict[str, object]:
    logging.getLogger("stillhouse.completions.store").warning("segment %s is damaged", "a.parquet")
    return {}


def _refuse(spec: Spec, report: Reporter) -> dict[str, object]:
    raise DataError("column 'text' is not there; name another")


def _crash(spec: Spec, report: Reporter) -> dict[str, object]:
    print("warming up", file=sys.stderr)  # noqa: T201
    raise ZeroDivisionError("the very last words")


def _mumble(spec: Spec, report: Reporter) -> dict[str, object]:
    raise ValueError("no column R\udce9f\nfound")


def _say_half_a_character(spec: Spec, report: Reporter) -> dict[str, object]:
    report.log("reads R\udce9f")
    report.progress(1, 1, "rows", column="R\udce9f")
    return {"column": "R\udce9f"}


def _die(spec: Spec, report: Reporter) -> dict[str, object]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _lose_its_engine(spec: Spec, report: Reporter) -> dict[str, object]:
    print("(EngineCore pid=7) torch.OutOfMemoryError: 2.00 GiB were asked for", file=sys.stderr)  # noqa: T201
    print("(EngineCore pid=7) SystemExit", file=sys.stderr)  # noqa: T201
    raise RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")


def _lack(spec: Spec, report: Reporter) -> dict[str, object]:
    raise ModuleNotFoundError("No module named 'vllm'", name="vllm")


def _leave(spec: Spec, report: Reporter) -> dict[str, object]:
    sys.exit(0)


def _hang(spec: Spec, report: Reporter) -> dict[str, object]:
    """Start a child of its own, note both ids, say so, and do nothing more."""
    child = subprocess.Popen(["sleep", "300"])
    noted = Path(spec.folder) / "pids.new"
    noted.write_text(f"{os.getpid()} {child.pid}")
    noted.rename(noted.with_name("pids"))
    report.log("hanging")
    time.sleep(300)
    return {}


def _linger(spec: Spec, report: Reporter) -> dict[str, object]:
    """Leave a child behind that holds the pipes open."""
    child = subprocess.Popen(["sleep", "300"])
    (Path(spec.folder) / "pids").write_text(f"{child.pid}")
    return {"rows": 3}


def _chatter(spec: Spec, report: Reporter) -> dict[str, object]:
    """Note its own id, and talk without end."""
    (Path(spec.folder) / "pids").write_text(f"{os.getpid()}")
    while True:
        report.log("still here")
        time.sleep(0.2)


if __name__ == "__main__":
    serve(Spec, run)
