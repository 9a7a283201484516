"""Exceptions that nobody foresaw: one line for the reader, Failed in Prefect, and the trace in a file."""

from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort

from stillhouse.errors import UnexpectedError
from stillhouse.runtime.unexpected import one_line_errors
from tasks.orchestration.run import join_prefect
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    "error",
    [
        UnicodeEncodeError("utf-8", "R\udce9f\udce9rence", 1, 2, "surrogates not allowed"),
        AttributeError("no attribute \udce9"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_flow_that_raises_anything_is_failed_in_prefect_with_one_line(prefect_server: str, error: Exception) -> None:
    @flow(name="unforeseen")
    @one_line_errors("unforeseen")
    def unforeseen() -> None:
        join_prefect()
        raise error

    state = unforeseen(return_state=True)

    with get_client(sync_client=True) as client:
        on_server = client.read_flow_run(state.state_details.flow_run_id).state
    assert on_server is not None
    assert on_server.type == "FAILED"
    assert type(error).__name__ in str(on_server.message)
    assert "\n" not in str(on_server.message)
    with pytest.raises(UnexpectedError):
        state.result()


@pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`")
def test_run_that_nobody_foresaw_ends_with_one_line_exit_code_1_and_failed(tmp_path: Path, prefect_server: str) -> None:
    scratch = tmp_path / "a file where the scratch folder must be"
    scratch.write_text("")
    pipeline = Pipeline(tmp_path / "mine", {"STILLHOUSE_WORK": str(scratch)}).reporting_to(prefect_server)
    pipeline.write()

    code = pipeline.end_of(pipeline.start())

    seen = (pipeline.folder / "log.txt").read_text()
    assert code == 1, seen
    assert "Traceback" not in seen
    (line,) = seen.splitlines()
    assert line.startswith("stillhouse: ")
    assert "NotADirectoryError" in line
    assert "The whole trace is in " in line
    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
    assert newest.state is not None
    assert newest.state.type == "FAILED"
