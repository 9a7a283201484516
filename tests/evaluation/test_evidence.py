"""The files of an evaluation: how those of single models become one."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.evaluation.evidence import (
    VALIDATION,
    gather_evidence,
    join_evidence,
    latency_numbers,
    write_answers,
    write_evidence,
)
from stillhouse.evaluation.roles import ModelRole


def line(role: str, answer: str, **more: object) -> dict[str, object]:
    return {"model": role, "row_id": "r", "answer": answer, "text": answer, **more}


def write_model(folder: Path, role: str, answer: str) -> Path:
    folder.mkdir()
    write_evidence(folder, [line(role, answer, logprob=-1.0, label_logprobs=[-1.0, -2.0])], {role: {"parameters": 7}})
    return folder


def test_gather_evidence_names_a_model_by_its_role_here(tmp_path: Path):
    # it answered as the student of another run
    student = write_model(tmp_path / "student", "student", "a")
    write_answers(student / VALIDATION, [line("student", "b")])
    teacher = write_model(tmp_path / "teacher", "baseline_zero_shot", "c")
    folders = {ModelRole.TEACHER: teacher, ModelRole.STUDENT: student}
    gather_evidence(folders, {role: {"latency_ms": None} for role in folders}, tmp_path)
    answers = pq.read_table(tmp_path / "answers.parquet").to_pylist()
    assert [(one["model"], one["answer"], one["label_logprobs"]) for one in answers] == [
        ("teacher", "c", [-1.0, -2.0]),
        ("student", "a", [-1.0, -2.0]),
    ]
    numbers = {"latency_ms": None, "parameters": 7}
    assert json.loads((tmp_path / "measurements.json").read_text()) == {"student": numbers, "teacher": numbers}
    assert [one["answer"] for one in pq.read_table(tmp_path / VALIDATION).to_pylist()] == ["b"]


def test_join_evidence_takes_answers_of_an_earlier_version(tmp_path: Path):
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    pq.write_table(pa.Table.from_pylist([line("teacher", "a")]), earlier / "answers.parquet")
    (earlier / "measurements.json").write_text(json.dumps({"teacher": {"latency_ms": None}}))
    now = write_model(tmp_path / "now", "student", "b")
    join_evidence(now, earlier)
    answers = pq.read_table(now / "answers.parquet").to_pylist()
    assert [(one["model"], one["logprob"]) for one in answers] == [("teacher", None), ("student", -1.0)]


def test_latency_numbers_are_milliseconds_in_the_order_of_the_requests():
    numbers = latency_numbers([0.003, 0.001, 0.002])
    assert numbers["latencies_ms"] == [3.0, 1.0, 2.0]
    assert numbers["latency_ms"]["p50"] == 2.0
    assert numbers["latency_uncached_ms"] is None
