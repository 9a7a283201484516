"""Trainings of tiny models that diverge, in the engine environment: they end with one line and keep nothing lost."""

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from stillhouse.errors import TrainingError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.workers import Worker

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
WORDS = ("parcel", "refund", "card", "lost", "late", "broken", "invoice", "password")
WEIGHTS = "model.safetensors"


def in_engine(module: str, *arguments: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-m", f"tests.support.workers.{module}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny base model and rows."""
    folder = tmp_path_factory.mktemp("divergence")
    chance = random.Random(1)
    texts = [" ".join(chance.choices(WORDS, k=6)) for _ in range(24)]
    in_engine("steady_base", str(folder / "base"), *texts)
    rows = [
        {
            "id": str(number),
            "prompt": [{"role": "user", "content": text}],
            "completion": [{"role": "assistant", "content": "billing" if number % 2 else "delivery"}],
        }
        for number, text in enumerate(texts)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def spec_of(lab: Path, name: str, **training: object) -> TrainSpec:
    here = TrainingExecution(threads=1, device="cpu")
    settings = {"batch_size": 4, "epochs": 2, "save_every": 1, "precision": "float32", "execution": here, **training}
    return TrainSpec(
        base_model=str(lab / "base"),
        chat_template=MINIMAL_CHATML,
        rows=str(lab / "rows.jsonl"),
        training=Training(**settings),
        checkpoints=str(lab / name / "checkpoints"),
        out=str(lab / name / "out"),
    )


def weights_in(checkpoints: str) -> dict[str, dict[str, np.ndarray]]:
    return {path.parent.name: load_file(path) for path in Path(checkpoints).glob(f"*/{WEIGHTS}")}


def test_train_that_diverges_names_step_and_what_to_lower_and_keeps_no_lost_weights(lab: Path) -> None:
    spec = spec_of(lab, "wild", learning_rate=1e20)
    with pytest.raises(TrainingError) as caught:
        run_worker(Worker.TRAIN, spec, python=PYTHON)
    said = str(caught.value)
    step = int(re.match(r"Training stopped at step (\d+) of 12: the (training loss|gradient's norm) is nan", said)[1])
    assert "lower training.learning_rate (now 1e+20" in said
    assert "raise training.batch_size or training.gradient_accumulation (now 4 x 1)" in said
    assert "precision" not in said  # it is float32 already
    assert "\n" not in said
    kept = weights_in(spec.checkpoints)
    assert f"checkpoint-{step - 1}" in kept
    assert f"checkpoint-{step}" not in kept
    assert all(np.isfinite(weight).all() for weights in kept.values() for weight in weights.values())
    assert not Path(spec.out).exists()
    # a retry meets the same step again, and ends there again
    with pytest.raises(TrainingError, match=f"stopped at step {step} of 12"):
        run_worker(Worker.TRAIN, spec, python=PYTHON)


def test_train_from_a_checkpoint_with_nan_is_refused_by_its_name(lab: Path) -> None:
    whole, spec = spec_of(lab, "whole", learning_rate=1e-3), spec_of(lab, "poisoned", learning_rate=1e-3)
    run_worker(Worker.TRAIN, whole, python=PYTHON)
    checkpoint = Path(spec.checkpoints) / "checkpoint-11"
    shutil.copytree(Path(whole.checkpoints) / checkpoint.name, checkpoint)
    weights = load_file(checkpoint / WEIGHTS)
    weights["model.norm.weight"][3] = np.nan
    save_file(weights, checkpoint / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"model\.norm\.weight of .*checkpoint-11 is NaN .* Delete that folder"):
        run_worker(Worker.TRAIN, spec, python=PYTHON)
