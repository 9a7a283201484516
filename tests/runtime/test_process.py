import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from stillhouse import errors
from stillhouse.repository import ROOT
from stillhouse.runtime.events import Log, Metric, Progress
from stillhouse.runtime.process import Limits, run_worker
from tests.support.processes import is_alive, pids_in, wait_until
from tests.support.workers.misbehaving import Spec

pytestmark = pytest.mark.slow  # each worker is a process of its own

MODULE = "tests.support.workers.misbehaving"


def work(act: str, folder: Path | None = None, **options):
    return run_worker(MODULE, Spec(act=act, folder=str(folder or "")), python=Path(sys.executable), **options)


def test_run_worker_done_returns_the_summary_and_every_event():
    events = []
    assert work("finish", on_event=events.append) == {"rows": 2, "name": "ü"}
    assert [event for event in events if not isinstance(event, Log)] == [
        Progress(done=1, total=2, unit="rows", detail={"rate": 3.5}),
        Metric(name="loss", value=0.25, step=4),
        Progress(done=2, total=2, unit="rows"),
    ]
    assert Log(text="half way") in events


def test_run_worker_library_output_becomes_log_lines():
    events = []
    assert work("chat", on_event=events.append) == {"rows": 1}
    lines = [event.text for event in events if isinstance(event, Log)]
    assert "a library says hello" in lines
    assert sum("forged" in line for line in lines) == 2


def test_run_worker_warning_of_the_library_is_told_as_one_and_once():
    events = []
    work("warn", on_event=events.append)
    assert Log(text="segment a.parquet is damaged", is_warning=True) in events
    assert [event.text for event in events if "damaged" in event.text] == ["segment a.parquet is damaged"]


def test_run_worker_user_error_keeps_class_and_message():
    with pytest.raises(errors.DataError) as caught:
        work("refuse")
    assert str(caught.value) == "column 'text' is not there; name another"


def trace_named_in(message: str) -> str:
    """Return what the file holds that the message names."""
    found = re.search(r"The whole trace is in (\S+\.log)\.", message)
    assert found, message
    return Path(found[1]).read_text()


def test_run_worker_crash_is_one_line_with_its_cause_and_the_trace_in_a_file(tmp_path):
    with pytest.raises(errors.UnexpectedError) as caught:
        work("crash")
    message = str(caught.value)
    assert message.startswith("ZeroDivisionError: the very last words (tests/support/workers/misbehaving.py:")
    assert "\n" not in message
    trace = trace_named_in(message)
    assert "warming up" in trace
    assert "Traceback (most recent call last)" in trace
    assert 'raise ZeroDivisionError("the very last words")' in trace
    # of the run's own scratch, where a person looks
    assert str(tmp_path / "places" / "work" / "traces") in message


def test_run_worker_crash_prints_no_trace_into_the_runs_log():
    events = []
    with pytest.raises(errors.UnexpectedError):
        work("crash", on_event=events.append)
    assert [event.text for event in events if isinstance(event, Log)] == ["warming up"]


def test_run_worker_half_a_character_in_an_error_is_replaced():
    with pytest.raises(errors.UnexpectedError, match="ValueError: no column R\N{REPLACEMENT CHARACTER}f found"):
        work("mumble")


def test_run_worker_half_a_character_in_events_is_replaced():
    events = []
    assert work("say_half_a_character", on_event=events.append) == {"column": "R\N{REPLACEMENT CHARACTER}f"}
    assert Log(text="reads R\N{REPLACEMENT CHARACTER}f") in events


def test_run_worker_killed_names_the_signal_and_what_it_may_mean():
    with pytest.raises(errors.WorkerError, match=r"exit code -9 \(killed, as the system does when memory is short\)"):
        work("die")


def test_run_worker_error_of_an_engines_process_is_the_cause():
    with pytest.raises(errors.UnexpectedError) as caught:
        work("lose_its_engine")
    assert str(caught.value).startswith("torch.OutOfMemoryError: 2.00 GiB were asked for (the engine's own process;")


def test_run_worker_module_that_cannot_be_imported_is_one_line():
    with pytest.raises(errors.WorkerError, match=r"exit code 1 before .* last line: .*No module named .*absent") as at:
        run_worker("tests.support.workers.absent", Spec(act=""), python=Path(sys.executable))
    assert "\n" not in str(at.value)


def test_run_worker_missing_package_names_the_remedy():
    with pytest.raises(errors.WorkerError) as caught:
        work("lack")
    assert str(caught.value).startswith("The engine's Python lacks the package 'vllm'. Run `make setup`")
    assert "\n" not in str(caught.value)


def test_run_worker_exit_0_without_done_is_a_failure():
    with pytest.raises(errors.WorkerError, match="exit code 0 before it reported `done`"):
        work("leave")


def test_run_worker_missing_interpreter_names_the_remedy(tmp_path):
    with pytest.raises(errors.WorkerError, match=r"make setup.*STILLHOUSE_ENGINE_PYTHON"):
        run_worker(MODULE, Spec(act="finish"), python=tmp_path / "python")


def test_run_worker_unrunnable_interpreter_is_a_worker_error(tmp_path):
    (tmp_path / "python").write_text("no program")
    with pytest.raises(errors.WorkerError, match="STILLHOUSE_ENGINE_PYTHON"):
        run_worker(MODULE, Spec(act="finish"), python=tmp_path / "python")


def test_run_worker_silent_ends_after_the_stall_timeout(tmp_path):
    with pytest.raises(errors.WorkerError, match="reported nothing for 3 s"):
        work("hang", tmp_path, limits=Limits(silent=3.0))
    wait_until(lambda: not any(is_alive(pid) for pid in pids_in(tmp_path)), 5, "the end of all")


def test_run_worker_endless_ends_after_the_stage_timeout(tmp_path):
    with pytest.raises(errors.WorkerError, match=r"not done after 3 s .* STILLHOUSE_STAGE_TIMEOUT"):
        work("chatter", tmp_path, limits=Limits(silent=2.0, total=3.0))
    wait_until(lambda: not any(is_alive(pid) for pid in pids_in(tmp_path)), 5, "the end of all")


def test_run_worker_cancelled_ends_the_whole_group(tmp_path):
    class Cancelled(BaseException):
        pass

    def cancel(event) -> None:
        if event == Log(text="hanging"):
            raise Cancelled

    with pytest.raises(Cancelled):
        work("hang", tmp_path, on_event=cancel)
    pids = pids_in(tmp_path)
    assert len(pids) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 5, "the end of all")


def test_run_worker_stopped_ends_the_whole_group(tmp_path):
    stop = threading.Event()

    def tell(event) -> None:
        if event == Log(text="hanging"):
            stop.set()

    with pytest.raises(errors.WorkerError, match="the run was cancelled"):
        work("hang", tmp_path, on_event=tell, stop=stop)
    wait_until(lambda: not any(is_alive(pid) for pid in pids_in(tmp_path)), 5, "the end of all")


def test_run_worker_done_does_not_wait_for_leftover_processes(tmp_path):
    started = time.monotonic()
    assert work("linger", tmp_path) == {"rows": 3}
    assert time.monotonic() - started < 60
    wait_until(lambda: not any(is_alive(pid) for pid in pids_in(tmp_path)), 5, "the end of all")


def test_run_worker_killed_parent_ends_worker_and_children(tmp_path):
    code = f"""
        import sys
        from pathlib import Path
        from stillhouse.runtime.process import run_worker
        from {MODULE} import Spec
        run_worker("{MODULE}", Spec(act="hang", folder={str(tmp_path)!r}), python=Path(sys.executable))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    pids: list[int] = []
    try:
        pids = pids_in(tmp_path)
        assert is_alive(pids[0])
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in pids), 5, "the end of all")
    finally:
        parent.kill()
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
