"""The student's workers on a tiny model, in the engine environment."""

import json
import math
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import DataError, ModelError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.spec import InitialiseSpec, TrainSpec
from tasks.orchestration.workers import Worker
from tests.support.engine_side import read_checks, run_engine_side
from tests.support.killed_training import kill_after_first_checkpoint

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
WORDS = ("parcel", "refund", "card", "lost", "late", "broken", "invoice", "password", "account", "plan", "where", "why")
NUM_ROWS = 60


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    made = []
    for index in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(3, 9)))
        answer = "delivery" if index % 2 else "billing"
        made.append(
            {
                "id": str(index),
                "prompt": [{"role": "user", "content": text}],
                "completion": [{"role": "assistant", "content": answer}],
            }
        )
    return made


def write_rows(path: Path, items: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return str(path)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny base model, rows, and what the engine side found out about them."""
    folder = tmp_path_factory.mktemp("lab")
    write_rows(folder / "rows.jsonl", rows(NUM_ROWS, seed=1))
    write_rows(folder / "validation.jsonl", rows(12, seed=2))
    return run_engine_side("training", folder)


@pytest.fixture(scope="module")
def checks(lab: Path) -> dict[str, Any]:
    return read_checks(lab)


def spec_of(lab: Path, name: str, **training: Any) -> TrainSpec:
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 4,
        "save_every": 6,
        "evaluate_every": 9,
        "learning_rate": 0.01,
        "precision": "float32",
        "early_stopping_patience": 0,
        "execution": TrainingExecution(threads=1, device="cpu"),
    }
    return TrainSpec(
        base_model=str(lab / "base"),
        layers=4,
        chat_template=MINIMAL_CHATML,
        rows=str(lab / "rows.jsonl"),
        validation=str(lab / "validation.jsonl"),
        training=Training(**{**settings, **training}),
        checkpoints=str(lab / name / "checkpoints"),
        out=str(lab / name / "out"),
    )


def train(spec: TrainSpec) -> dict[str, Any]:
    return run_worker(Worker.TRAIN, spec, python=PYTHON)


@pytest.fixture(scope="module")
def unkilled(lab: Path) -> tuple[TrainSpec, dict[str, Any]]:
    spec = spec_of(lab, "unkilled")
    return spec, train(spec)


def files_of(spec: TrainSpec) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(spec.out).iterdir()}


def test_train_killed_and_resumed_exports_equal_bytes(lab: Path, unkilled: tuple[TrainSpec, dict[str, Any]]) -> None:
    spec = spec_of(lab, "killed")
    kill_after_first_checkpoint(spec)
    torn = Path(spec.checkpoints) / "checkpoint-99"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    logs: list[str] = []
    summary = run_worker(
        Worker.TRAIN,
        spec,
        python=PYTHON,
        on_event=lambda event: logs.append(getattr(event, "text", "")),
    )
    assert any(text.startswith("going on from checkpoint-") for text in logs)
    assert files_of(spec) == files_of(unkilled[0])
    timeless = [
        {name: value for name, value in each.items() if name != "seconds"} for each in (summary, dict(unkilled[1]))
    ]
    assert timeless[0] == timeless[1]


def test_train_resumed_in_its_last_epoch_sees_that_epochs_rows_in_order(
    lab: Path, unkilled: tuple[TrainSpec, dict[str, Any]]
) -> None:
    spec = spec_of(lab, "late")
    name = "checkpoint-42"  # of 45 steps, 15 an epoch
    shutil.copytree(Path(unkilled[0].checkpoints) / name, Path(spec.checkpoints) / name)
    assert train(spec)["history"] == unkilled[1]["history"]


def test_train_learns_and_reports_its_history(unkilled: tuple[TrainSpec, dict[str, Any]]) -> None:
    spec, summary = unkilled
    losses = [point["train_loss"] for point in summary["history"] if "train_loss" in point]
    validation = {point["step"]: point["validation_loss"] for point in summary["history"] if "validation_loss" in point}
    assert summary["steps"] == len(losses) == 3 * NUM_ROWS // 4
    assert sorted(validation) == [9, 18, 27, 36, 45]
    assert summary["validation_loss"] == min(validation.values()) == validation[summary["best_step"]]
    assert losses[-1] < 0.5 * losses[0]
    assert math.isclose(summary["train_loss"], sum(losses) / len(losses))
    assert (summary["rows"], summary["rows_too_long"], summary["validation_rows"]) == (NUM_ROWS, 0, 12)
    # the export itself says by which transformers it was written
    written = json.loads((Path(spec.out) / "config.json").read_text())["transformers_version"]
    assert summary["libraries"]["transformers"] == written
    assert {"tokenizers", "torch", "trl"} < summary["libraries"].keys()
    history = [json.loads(line) for line in (Path(spec.out) / "history.jsonl").read_text().splitlines()]
    assert history == summary["history"]


def test_train_long_rows_are_counted_and_rising_loss_stops_early(lab: Path) -> None:
    long = rows(2, seed=3)
    for row in long:
        row["prompt"][0]["content"] = "where " * 300
    spec = spec_of(
        lab, "stopped", learning_rate=3.0, early_stopping_patience=2, evaluate_every=2, epochs=10, max_length=100
    ).model_copy(update={"rows": write_rows(lab / "some_long.jsonl", rows(20, seed=4) + long)})
    summary = train(spec)
    assert (summary["rows"], summary["rows_too_long"]) == (20, 2)
    # 50 steps were planned; validation every 2, and 2 passes without gain end it
    assert summary["steps"] == summary["best_step"] + 4 < 50


def test_train_without_rows_is_a_data_error(lab: Path) -> None:
    spec = spec_of(lab, "empty").model_copy(update={"rows": write_rows(lab / "empty.jsonl", [])})
    with pytest.raises(DataError, match="no rows"):
        train(spec)


def test_initialise_more_layers_than_the_base_is_a_model_error(lab: Path) -> None:
    spec = InitialiseSpec(base_model=str(lab / "base"), layers=7, out=str(lab / "untrained"))
    with pytest.raises(ModelError, match=r"7.*6"):
        run_worker(Worker.INITIALISE, spec, python=PYTHON)


def test_initialise_four_of_six_layers_are_the_evenly_spaced_originals(checks: dict[str, Any]) -> None:
    assert checks["kept_weights_equal"]
    assert checks["layer_indices"] == [0, 1, 2, 3]
    assert checks["config_layers"] == 4


def test_minimal_template_has_no_default_system_and_ends_on_the_stop_token(lab: Path, checks: dict[str, Any]) -> None:
    text = rows(NUM_ROWS, seed=1)[0]["prompt"][0]["content"]
    assert checks["prompt"] == f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    assert checks["completion"] == "billing<|im_end|>"


def test_labels_ignore_prompt_and_padding_only(checks: dict[str, Any]) -> None:
    for row, labels in zip(checks["rows"], checks["labels"], strict=True):
        expected = [t if m else -100 for t, m in zip(row["input_ids"], row["completion_mask"], strict=True)]
        assert labels == expected + [-100] * (len(labels) - len(expected))


def test_encode_rows_equals_trls_own_tokens(checks: dict[str, Any]) -> None:
    for row, theirs in zip(checks["rows"], checks["trl"], strict=True):
        assert theirs["input_ids"] == row["input_ids"]
        assert [label != -100 for label in theirs["labels"]] == [bool(m) for m in row["completion_mask"]]


def test_loss_is_the_mean_negative_log_likelihood_of_completions(checks: dict[str, Any]) -> None:
    assert math.isclose(checks["loss"], checks["manual_loss"], rel_tol=1e-5)


def test_loss_packed_rows_do_not_see_each_other(checks: dict[str, Any]) -> None:
    assert math.isclose(checks["packed_loss"], checks["manual_loss"], rel_tol=1e-5)


@pytest.mark.pitfall("export")
def test_lora_merged_export_answers_as_the_adapter_did(checks: dict[str, Any]) -> None:
    assert checks["adapter_effect"] > 0.05
    assert checks["merge_difference"] < 1e-4 * max(1.0, checks["adapter_effect"])


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_set_threads_first_cosines_equal_the_second() -> None:
    # one process in a thousand differed: 5,000 miss it once in 150 times
    command = [str(PYTHON), "-m", "tests.support.workers.cosines", "5000"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "0"), ended.stderr[-2000:]
