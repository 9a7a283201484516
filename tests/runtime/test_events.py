import io
import json

import pytest
from pydantic import ValidationError

from stillhouse.runtime.events import EVENT, Done, Error, Log, Metric, Progress
from stillhouse.runtime.worker import Reporter


@pytest.mark.parametrize(
    "event",
    [
        Progress(done=1, total=3, unit="rows", detail={"rate": 2.0}),
        Metric(name="loss", value=0.5, step=2),
        Log(text="two\nlines and a ü"),
        Log(text="the store does not answer", is_warning=True),
        Done(summary={"rows": 3}),
        Error(kind="DataError", message="no rows"),
    ],
)
def test_reporter_event_reads_back_equal(event):
    pipe = io.StringIO()
    Reporter(pipe)._write(event)
    lines = pipe.getvalue().splitlines()
    assert len(lines) == 1
    assert EVENT.validate_json(lines[0]) == event


@pytest.mark.parametrize(
    "line", ["words", "{}", '{"event": "other"}', '{"event": "done"}', '{"event": "log", "text": "a", "more": 1}', "3"]
)
def test_event_line_malformed_is_refused(line):
    with pytest.raises(ValidationError):
        EVENT.validate_json(line)


def test_reporter_progress_frequent_reports_are_left_out_but_the_last():
    pipe = io.StringIO()
    report = Reporter(pipe, min_interval_s=1000.0)
    for done in range(1, 101):
        report.progress(done, 100, "rows")
    assert [json.loads(line)["done"] for line in pipe.getvalue().splitlines()] == [1, 100]
