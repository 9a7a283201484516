"""The worker as the stage starts it, in a process of its own, and its end in the middle."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from stillhouse.runtime.process import run_worker
from tasks.orchestration.workers import Worker
from tests.support.api.recipe import ENVIRONMENT
from tests.support.api.requests import spec, teacher
from tests.support.pipeline import command_of

MODULE = Worker.GENERATE_API


def work(
    folder: Path,
    address: str,
    num_rows: int,
    on_event: Callable[[Any], None] = lambda event: None,
    **endpoint: Any,
) -> dict[str, Any]:
    """Have the worker answer `num_rows` free prompts, and return its summary."""
    asked = spec(folder, teacher(address=address, output={"kind": "free"}, endpoint=endpoint), num_rows)
    return run_worker(MODULE, asked, python=Path(sys.executable), on_event=on_event, environment=ENVIRONMENT)


def end_once(under_way: Callable[[], bool], number: int) -> threading.Thread:
    """Send signal `number` to this process's worker once `under_way`."""

    def watch() -> None:
        while not under_way():
            time.sleep(0.02)
        for child in psutil.Process().children(recursive=True):
            if MODULE in command_of(child):
                os.kill(child.pid, number)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread
