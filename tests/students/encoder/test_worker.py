"""Encoder students of a tiny BERT, made in the engine environment: losses, head, folder, int8 graph, what is learnt."""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from stillhouse.data.turns import write_rows
from stillhouse.errors import ModelError, TrainingError
from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.evidence import VALIDATION, read_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.encoder.label_encoder import GRAPH, LabelEncoder
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.skills.classification import Classification
from stillhouse.students.encoder.spec import EncoderSummary
from tasks.orchestration.workers import Worker
from tests.support.builders import make_row
from tests.support.workers import encoder_rows as rows

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
TEXTS = ["parcel late where", "card lost", "invoice error billing why"]


def in_engine(module: str, *arguments: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-m", f"tests.support.workers.{module}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    in_engine("encoder", str(folder))
    return folder


@pytest.fixture(scope="module")
def checks(lab: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab / "checks.json").read_text())
    return found


@pytest.fixture(scope="module")
def tuned(lab: Path) -> tuple[Path, EncoderSummary]:
    spec = rows.spec_of(lab, "tuned", soft_labels={"weight": 0.5, "temperature": 2.0})
    Path(spec.out).mkdir()
    done = run_worker(Worker.TRAIN_ENCODER, spec, python=PYTHON, on_event=lambda _: None)
    return Path(spec.out), EncoderSummary.model_validate(done)


def accuracy(folder: Path, lab: Path) -> float:
    lines = [json.loads(line) for line in (lab / "validation.jsonl").read_text().splitlines()]
    answers = LabelEncoder(folder).answers([line["prompt"][0]["content"] for line in lines])
    return float(np.mean([a == line["completion"][0]["content"] for a, line in zip(answers, lines, strict=True)]))


def test_label_loss_equals_its_definition(checks: dict[str, Any]) -> None:
    for loss in checks["losses"]:
        assert math.isclose(loss["ours"], loss["oracle"], rel_tol=1e-9), loss
    # weight 0, and no soft labels at all
    assert checks["losses"][0]["ours"] == checks["losses"][-1]["ours"]


def test_head_is_scikit_learns_regression_and_learns_shares_as_its_weighted_copies(checks: dict[str, Any]) -> None:
    assert checks["head"]["far_from_sklearn"] < 1e-4
    assert checks["head"]["far_from_weighted_copies"] < 1e-4
    assert checks["head"]["chosen"] in checks["head"]["strengths"]
    assert checks["head"]["chosen_of_single_rows"] == 10.0


def test_student_fine_tuned_learns_and_says_what_it_took(tuned: tuple[Path, EncoderSummary], lab: Path) -> None:
    folder, summary = tuned
    assert accuracy(folder, lab) > 0.9
    # a label's name is an example too, and has no probabilities
    assert (summary.rows, summary.rows_with_soft_label) == (60 + 3, 45)
    assert summary.method == "fine_tuned"
    assert summary.steps == 6 * 8
    assert summary.validation_loss is not None
    assert summary.libraries["onnxruntime"]
    assert len((folder / "history.jsonl").read_text().splitlines()) == len(summary.history) > summary.steps


@pytest.mark.pitfall("export")
def test_student_int8_graph_agrees_with_transformers_on_the_folder(tuned: tuple[Path, EncoderSummary]) -> None:
    folder, summary = tuned
    plain = json.loads(in_engine("load_encoder", str(folder), *TEXTS))
    served = LabelEncoder(folder)
    assert tuple(plain["labels"].values()) == served.labels == rows.LABELS
    theirs, ours = np.asarray(plain["logits"]), served.logits(TEXTS)
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).all()
    assert np.abs(theirs - ours).max() < 0.05 * np.ptp(theirs)
    assert summary.agreement > 0.95
    assert summary.graph_bytes == (folder / GRAPH).stat().st_size


def test_student_linear_leaves_the_encoder_as_it_is_and_learns_more_than_names(lab: Path) -> None:
    assert accuracy(lab / "linear", lab) > accuracy(lab / "untrained", lab)

    def encoder_of(path: Path) -> bytes:
        return (path / "model.safetensors").read_bytes()[-4096:]

    assert encoder_of(lab / "linear") == encoder_of(lab / "base") == encoder_of(lab / "untrained")


def test_student_of_weight_0_is_the_student_without_soft_labels(lab: Path) -> None:
    for name in ("model.safetensors", "head.safetensors", GRAPH):
        assert (lab / "plain" / name).read_bytes() == (lab / "zero" / name).read_bytes(), name


@pytest.mark.pitfall("kill")
def test_student_of_a_killed_training_is_the_same_bit_for_bit(lab: Path) -> None:
    assert "going on from checkpoint-4" in (lab / "resumed.txt").read_text()
    for name in ("model.safetensors", "head.safetensors", GRAPH):
        assert (lab / "killed" / name).read_bytes() == (lab / "plain" / name).read_bytes(), name


def test_served_student_with_the_labels_of_another_is_refused(
    tuned: tuple[Path, EncoderSummary], tmp_path: Path
) -> None:
    folder, _ = tuned
    for path in folder.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(folder)).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / path.relative_to(folder)).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": {"0": "a", "1": "b"}}))
    with pytest.raises(ModelError, match=r"gives 3 numbers for a text, and config\.json has 2 labels"):
        LabelEncoder(tmp_path)


def test_evaluation_of_a_student_writes_what_a_report_reads(tuned: tuple[Path, EncoderSummary], tmp_path: Path) -> None:
    folder, _ = tuned
    skill = Classification(labels=rows.LABELS)
    given = [make_row(str(place), "delivery", text=text) for place, text in enumerate(TEXTS)]
    for name in ("test", "validation"):
        write_rows(tmp_path / f"{name}.parquet", given)
    spec = EncoderEvaluateSpec(
        role=ModelRole.STUDENT_2,
        folder=str(folder),
        skill=skill,
        labels=rows.LABELS,
        evaluation=Evaluation(metrics=("accuracy",), latency_requests=50, warm_requests=10),
        test=str(tmp_path / "test.parquet"),
        validation=str(tmp_path / "validation.parquet"),
        out=str(tmp_path),
    )
    done = run_worker(Worker.EVALUATE_ENCODER, spec, python=PYTHON, on_event=lambda _: None)
    assert (done["models"], done["rows"]) == (["student_2"], 3)
    evidence = read_evidence(tmp_path / "test.parquet", [tmp_path], rows.LABELS, skill)
    assert evidence.answers[ModelRole.STUDENT_2] == LabelEncoder(folder).answers(TEXTS)
    numbers = evidence.measurements[ModelRole.STUDENT_2]
    assert len(numbers["latencies_ms"]) == numbers["latency_ms"]["n"] == 50
    assert numbers["weight_bytes"] == (folder / GRAPH).stat().st_size
    assert 10**6 < numbers["peak_memory_bytes"] < 2**31
    assert numbers["requests_per_second"] > 10
    assert numbers["prompt_tokens_mean"] == pytest.approx((5 + 4 + 6) / 3)
    for line in pq.read_table(tmp_path / VALIDATION).to_pylist():
        assert np.exp(line["label_logprobs"]).sum() == pytest.approx(1.0)
        assert rows.LABELS[int(np.argmax(line["label_logprobs"]))] == line["answer"]


def test_student_that_diverges_names_the_learning_rate_of_encoders(lab: Path) -> None:
    spec = rows.spec_of(lab, "wild", learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"stopped at step \d+ of .*lower encoder\.learning_rate \(now 1e\+30"):
        run_worker(Worker.TRAIN_ENCODER, spec, python=PYTHON)
    assert not list(Path(spec.checkpoints).glob("checkpoint-*"))
