"""What of personal data reaches an endpoint: the requests are read as the server got them."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.errors import DataError
from stillhouse.evaluation.api_worker import evaluate_teacher
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.teachers import api_requests
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import generate
from stillhouse.teachers.spec import GenerateSpec
from tests.support.api.requests import KEY, LABELS, RecordingReporter, answers, spec, teacher
from tests.support.api.server import Act, FaultyServer, Received, answer, failure, serving
from tests.support.paths import ROOT

SECRETS = {
    "<EMAIL>": "joe.bloggs@example.com",
    "<PHONE>": "+44 20 7946 0958",
    "<CARD>": "4111 1111 1111 1111",
    "<IBAN>": "DE89370400440532013000",
}
PROMPT = {"examples": 2, "system": "Route to {labels}. Unsure? Ask help.desk@example.org."}


def billing(_: Received) -> Act:
    return answer("billing")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setenv("STILLHOUSE_TEACHER_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(billing) as running:
        yield running


def table(path: Path, texts: list[str], label: str | None = None) -> str:
    rows = [
        {
            "id": f"{path.stem} {n}",
            "content_sha256": f"{n:064}",
            "messages": [{"role": "user", "content": text}],
            "references": [label] if label else [],
        }
        for n, text in enumerate(texts)
    ]
    turns = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types = [("id", pa.string()), ("content_sha256", pa.string()), ("messages", turns)]
    schema = pa.schema([*types, ("references", pa.list_(pa.string()))])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return str(path)


def spec_for(folder: Path, address: str, **endpoint: Any) -> GenerateSpec:
    """A generation over messages and labelled examples that hold each secret once."""
    asked = teacher("compatible", address, prompt=PROMPT, endpoint=endpoint)
    rows = [f"parcel {n} is late, write to {secret}" for n, secret in enumerate(SECRETS.values())]
    shown = [f"parcel of {secret} came broken" for secret in SECRETS.values()]
    return spec(folder, asked).model_copy(
        update={
            "rows": (table(folder / "rows.parquet", [*rows, "where is my invoice"]),),
            "examples": table(folder / "examples.parquet", shown, "delivery"),
        }
    )


def measured(asked: GenerateSpec) -> EvaluateApiSpec:
    return EvaluateApiSpec(**asked.model_dump() | {"skip_labelled": False}, evaluation=Evaluation())


def sent(server: FaultyServer) -> str:
    assert server.requests
    return json.dumps(server.bodies(), ensure_ascii=False)


@pytest.mark.slow
def test_generation_and_evaluation_send_marks_in_place_of_personal_data(tmp_path, server):
    lost: list[int] = []

    def plan(received: Received) -> Act:
        lost.append(received.number)
        return failure(503) if received.number == 0 else billing(received)  # a second try must not leak either

    server.plan = plan
    job = spec_for(tmp_path, server.address, personal_data="redact")
    summary = generate(job, RecordingReporter())
    # every prompt shows the desk's address, and two of the examples
    assert (summary["redacted"]["prompts"], summary["redacted"]["marks"]["<EMAIL>"]) == (5, 5)
    assert set(summary["redacted"]["marks"]) == set(SECRETS)
    generated = len(server.requests)
    measured_now = evaluate_teacher(
        measured(job.model_copy(update={"teacher_fingerprint": "0" * 64})), RecordingReporter()
    )
    assert len(server.requests) == generated + 5
    assert measured_now["redacted"] == summary["redacted"]
    text = sent(server)
    assert not [secret for secret in (*SECRETS.values(), "help.desk@example.org") if secret in text]
    assert all(mark in text for mark in SECRETS)
    assert "parcel 0 is late, write to <EMAIL>" in text
    note = json.loads((tmp_path / "out" / "measurements.json").read_text())["teacher"]["notes"][-1]
    assert note == "it saw 5 test rows with marks in place of personal data"


@pytest.mark.slow
def test_redaction_auto_sends_a_local_server_whole_prompts(tmp_path, server):
    summary = generate(spec_for(tmp_path, server.address), RecordingReporter())
    assert all(secret in sent(server) for secret in SECRETS.values())
    assert "redacted" not in summary
    job = spec_for(tmp_path, server.address).teacher.endpoint
    assert job is not None
    assert not job.redacts


@pytest.mark.slow
def test_redaction_requests_again_only_changed_prompts(tmp_path, server):
    for choice, num_requests in (("allow", 5), ("redact", 9)):  # one of the five holds nothing to take out
        job = spec_for(tmp_path, server.address, personal_data=choice)
        bare = job.teacher.model_copy(update={"prompt": TeacherPrompt()})
        generate(job.model_copy(update={"teacher": bare, "examples": None}), RecordingReporter())
        assert len(server.requests) == num_requests
    assert len(answers(tmp_path)) == 5


@pytest.mark.slow
def test_label_that_is_personal_data_is_refused_and_not_sent(tmp_path, server):
    job = spec_for(tmp_path, server.address, personal_data="redact")
    labels = (*LABELS, SECRETS["<EMAIL>"])
    with pytest.raises(DataError, match=r"labels.*personal data \(<EMAIL>\).*personal_data: allow") as refusal:
        generate(job.model_copy(update={"labels": labels}), RecordingReporter())
    assert SECRETS["<EMAIL>"] not in str(refusal.value)
    assert not server.requests


def test_chat_requests_of_many_rows_report_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(api_requests, "_LOG_EVERY", 10)
    asked = spec(tmp_path, teacher("compatible"))
    assert asked.teacher.endpoint is not None
    said: list[str] = []
    row = {"id": "r", "content_sha256": "0" * 64, "messages": [{"role": "user", "content": "hi"}], "references": []}
    ChatRequests(asked, [row] * 21, said.append)
    assert said == ["10 prompts made", "20 prompts made"]


def calls_in(source: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}


def test_redactor_is_used_by_every_module_that_makes_chat_requests():
    sources = {path.name: path.read_text() for path in (ROOT / "stillhouse").rglob("*.py")}
    made = [name for name, source in sources.items() if "ChatRequest" in calls_in(source)]
    assert made
    assert not [name for name in made if "Redactor" not in calls_in(sources[name])]
