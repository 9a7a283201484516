import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillhouse.errors import ServiceUnavailable
from stillhouse.evaluation.api_worker import evaluate_teacher
from stillhouse.evaluation.evidence import join_evidence, write_evidence
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.recipe.evaluation import Evaluation
from tests.support.api.requests import KEY, RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Act, Received, answer, failure, serving

NUM_ROWS = 90


@pytest.fixture(autouse=True)
def _reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)  # a Unix socket's path must be short


def labels(received: Received) -> Act:
    label = "billing" if int(received.prompt.split()[-1]) % 2 else "delivery"
    return Act(body=answer(json.dumps({"answer": label})).body, delay_s=0.01)


def measure(folder: Path, num_rows: int = NUM_ROWS, **fields: Any) -> dict[str, Any]:
    asked = spec(folder, teacher(**fields), num_rows).model_dump() | {"skip_labelled": False}
    return evaluate_teacher(
        EvaluateApiSpec(**asked, evaluation=Evaluation(latency_requests=50, warm_requests=10)),
        RecordingReporter(),
        connect_over(Path("socket")),
    )


def numbers(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "measurements.json").read_text())["teacher"]
    return found


def answers(folder: Path) -> dict[str, str | None]:
    table = pq.read_table(folder / "out" / "answers.parquet").to_pylist()
    assert {line["model"] for line in table} == {"teacher"}
    return {line["row_id"]: line["answer"] for line in table}


def served(plan: Any) -> Any:
    return serving(plan, Path("socket"))


def test_evaluate_teacher_sends_each_row_once_and_parses_its_answer(tmp_path):
    with served(labels) as server:
        summary = measure(tmp_path)
        assert Counter(request.prompt for request in server.requests) == {f"message {n}": 1 for n in range(NUM_ROWS)}
    assert answers(tmp_path) == {f"r{n}": "billing" if n % 2 else "delivery" for n in range(NUM_ROWS)}
    assert (summary["requests"], summary["sent"], summary["failed"]) == (NUM_ROWS, NUM_ROWS, 0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["answers.parquet", "measurements.json"]


def test_evaluate_teacher_times_single_rows_then_the_rest_together(tmp_path):
    in_flight: list[int] = []

    def plan(received: Received) -> Act:
        in_flight.append(server.at_once)  # others than this one
        return labels(received)

    with served(plan) as server:
        measure(tmp_path)
    assert in_flight[:60] == [0] * 60
    assert max(in_flight[60:]) == 3
    found = numbers(tmp_path)
    assert found["latency_ms"]["n"] == 50
    assert found["latency_ms"]["p50"] >= 10.0
    assert found["requests_per_second"] > 0
    assert (found["prompt_tokens_mean"], found["completion_tokens_mean"]) == (11.0, 2.0)
    assert found["peak_memory_bytes"] is None
    assert found["engine"] == "openai API"


def test_evaluate_teacher_few_rows_leave_throughput_null(tmp_path):
    with served(labels):
        measure(tmp_path, 30)
    found = numbers(tmp_path)
    assert found["latency_ms"]["n"] == 30
    assert (found["requests_per_second"], found["tokens_per_second"]) == (None, None)


def test_evaluate_teacher_second_run_sends_and_times_nothing(tmp_path):
    with served(labels) as server:
        measure(tmp_path)
        before = answers(tmp_path)
        measure(tmp_path)
        assert len(server.requests) == NUM_ROWS
    assert answers(tmp_path) == before
    assert numbers(tmp_path)["latency_ms"] is None


def test_evaluate_teacher_after_an_error_sends_only_missing_rows(tmp_path):
    with served(lambda received: labels(received) if received.number < 40 else failure(401)) as server:
        with pytest.raises(Exception, match="answered 401"):
            measure(tmp_path)
        kept = len(stored(tmp_path))
        assert kept == 40
        server.plan = labels
        assert measure(tmp_path)["sent"] == NUM_ROWS - kept


def test_evaluate_teacher_failed_row_counts_as_wrong_and_is_noted(tmp_path):
    with served(lambda received: answer("") if received.prompt == "message 7" else labels(received)):
        measure(tmp_path)
    assert answers(tmp_path)["r7"] is None
    assert "1 test rows got no answer and count as wrong" in numbers(tmp_path)["notes"]


def test_evaluate_teacher_rows_that_a_filter_refuses_count_as_wrong_and_lose_nothing(tmp_path):
    def plan(received: Received) -> Act:
        is_refused = int(received.prompt.split()[-1]) % 5 == 0
        return failure(400, "refused", code="content_filter") if is_refused else labels(received)

    with served(plan) as server:
        summary = measure(tmp_path)
        assert len(server.requests) == NUM_ROWS
    # a fifth of the rows, where a twentieth may be lost
    assert summary["failed"] == NUM_ROWS // 5
    assert [row for row, found in answers(tmp_path).items() if found is None] == [
        f"r{n}" for n in range(0, NUM_ROWS, 5)
    ]
    assert "18 test rows got no answer and count as wrong" in numbers(tmp_path)["notes"]


def test_evaluate_teacher_too_many_failures_are_refused(tmp_path):
    def plan(received: Received) -> Act:
        return failure(500) if int(received.prompt.split()[-1]) % 10 == 0 else labels(received)

    with served(plan), pytest.raises(ServiceUnavailable, match="9 of 90 test rows got no answer"):
        measure(tmp_path)


def test_join_evidence_other_folders_models_come_first(tmp_path):
    for name in ("teacher", "student"):
        (tmp_path / name).mkdir()
        lines = [{"model": name, "row_id": "r0", "answer": "a", "text": "a"}]
        write_evidence(tmp_path / name, lines, {name: {"engine": name}})
    join_evidence(tmp_path / "student", tmp_path / "teacher")
    joined = pq.read_table(tmp_path / "student" / "answers.parquet")["model"].to_pylist()
    assert joined == ["teacher", "student"]
    assert json.loads((tmp_path / "student" / "measurements.json").read_text()) == {
        "teacher": {"engine": "teacher"},
        "student": {"engine": "student"},
    }
