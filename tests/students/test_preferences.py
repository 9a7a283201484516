"""The second step of training, on pairs: what TRL computes, what a student learns, and what a kill changes."""

import math
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import DataError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teaching.preferences import Pairs, Preferences
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.spec import TrainSpec, TrainSummary
from tasks.orchestration.workers import Worker
from tests.support.engine_side import read_checks, run_engine_side

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny base model, rows and pairs, and what the engine side found out."""
    folder = tmp_path_factory.mktemp("pairs")
    return run_engine_side("preferences", folder)


@pytest.fixture(scope="module")
def checks(lab: Path) -> dict[str, Any]:
    return read_checks(lab)


def spec_of(lab: Path, name: str, method: str = "full", **preferences: Any) -> TrainSpec:
    given = {"pairs": Pairs(least=8), "epochs": 3, "learning_rate": 0.003, **preferences}
    training = Training(
        epochs=2,
        method=method,
        lora=Lora(r=4, dropout=0.1),
        batch_size=4,
        save_every=3,
        learning_rate=0.01,
        precision="float32",
        max_length=200,
        preferences=Preferences(**given),
        execution=TrainingExecution(threads=1, device="cpu", gradient_checkpointing=False),
    )
    return TrainSpec(
        base_model=str(lab / "base"),
        layers=4,
        chat_template=MINIMAL_CHATML,
        rows=str(lab / "rows.jsonl"),
        pairs=str(lab / "pairs.jsonl"),
        validation_pairs=str(lab / "validation_pairs.jsonl"),
        training=training,
        checkpoints=str(lab / name / "checkpoints"),
        out=str(lab / name / "out"),
    )


def test_loss_equals_the_papers_formula_in_float64(checks: dict[str, Any]) -> None:
    assert len(checks["losses"]) == 4
    for found in checks["losses"]:
        assert math.isclose(found["loss"], found["oracle"], rel_tol=1e-5)
        # before the first step student and reference are equal
        assert math.isclose(found["start"], found["start_oracle"], rel_tol=1e-5)
        assert abs(found["loss"] - found["start"]) > 0.01


def test_loss_of_an_adapter_is_against_the_adapter_of_the_first_step(checks: dict[str, Any]) -> None:
    found = checks["adapter"]
    assert math.isclose(found["loss"], found["oracle"], rel_tol=1e-5)
    assert abs(found["oracle"] - found["against_base"]) > 1e-3
    assert found["adapters"] == ["default"]


def test_batch_holds_the_token_ids_of_supervised_training(checks: dict[str, Any]) -> None:
    assert len(checks["ids"]) == 12
    for theirs, ours in checks["ids"]:
        assert theirs == ours


def test_step_does_not_depend_on_how_pairs_are_accumulated(checks: dict[str, Any]) -> None:
    at_once, accumulated = checks["steps"]
    assert at_once == pytest.approx(accumulated, rel=1e-4)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_train_on_pairs_turns_a_planted_preference(checks: dict[str, Any], method: str) -> None:
    found = checks["planted"][method]
    assert found["before"]["shares"] < 0.2
    assert found["after"]["shares"] > 0.95
    # the first step is the same, and the numbers are those of the second
    assert found["before"]["steps"] == found["after"]["steps"] == 20
    summary = found["after"]["summary"]
    assert (summary["pairs"], summary["validation_pairs"], summary["steps"]) == (40, 8, 30)
    assert summary["accuracy"] > 0.9
    assert summary["validation_accuracy"] > 0.9
    assert summary["margin"] > 0.1
    assert summary["history"][0]["margin"] == pytest.approx(0.0, abs=1e-4)


def kill_at(spec: TrainSpec, pattern: str) -> None:
    """Start the training and `kill -9` it as soon as a checkpoint of `pattern` is whole."""
    path = Path(spec.checkpoints).with_name("spec.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec.model_dump_json())
    command = [str(PYTHON), "-m", Worker.TRAIN, str(path)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, start_new_session=True, **quiet)
    try:
        deadline = time.monotonic() + 200
        while not list(Path(spec.checkpoints).glob(pattern)):
            assert child.poll() is None, "the training ended before its first checkpoint"
            assert time.monotonic() < deadline, "no checkpoint appeared"
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not Path(spec.out).exists()


@pytest.mark.parametrize(
    ("method", "kills"),
    [
        ("full", ["checkpoint-*/trainer_state.json", "preferences/checkpoint-*/trainer_state.json"]),
        ("lora", ["preferences/checkpoint-*/trainer_state.json"]),
    ],
)
def test_train_killed_in_a_step_exports_equal_weights(
    lab: Path, checks: dict[str, Any], method: str, kills: list[str]
) -> None:
    spec = spec_of(lab, f"killed-{method}", method)
    for pattern in kills:
        kill_at(spec, pattern)
    found = TrainSummary.model_validate(run_worker(Worker.TRAIN, spec, python=PYTHON))
    # the planted student was trained alike, in one go
    whole = (lab / method / "after" / "student" / "model.safetensors").read_bytes()
    assert (Path(spec.out) / "model.safetensors").read_bytes() == whole
    planted = checks["planted"][method]["after"]["summary"]
    assert found.preferences is not None
    assert {**found.preferences.to_record(), "seconds": 0} == {**planted, "seconds": 0}


def test_train_fewer_pairs_than_asked_for_that_fit_is_refused_before_training(lab: Path) -> None:
    spec = spec_of(lab, "few", pairs=Pairs(least=41))
    with pytest.raises(DataError, match=r"40 pairs .* fit training.max_length = 200 .* pairs.least is 41: raise"):
        run_worker(Worker.TRAIN, spec, python=PYTHON)
    assert not list(Path(spec.checkpoints).glob("checkpoint-*"))
