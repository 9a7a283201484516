"""A training by two processes is that of one, and goes on after a kill as one does; in the engine environment."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from stillhouse.completions.token_numbers import TokenLine, tokens_path, top_numbers, write_token_lines
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.launch import launch_command
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.workers import Worker

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
# a step has 8 rows, so the last one of each epoch has 4
NUM_ROWS, STEPS = 60, 24


def run_python(*arguments: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny base model and rows."""
    folder, chance = tmp_path_factory.mktemp("lab"), random.Random(1)
    words = ("parcel", "refund", "card", "lost", "late", "broken", "invoice")
    texts = [" ".join(chance.choices(words, k=chance.randint(3, 9))) for _ in range(NUM_ROWS)]
    rows = [
        {
            "id": str(index),
            "prompt": [{"role": "user", "content": text}],
            "completion": [{"role": "assistant", "content": "delivery" if index % 2 else "billing"}],
        }
        for index, text in enumerate(texts)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_python("-m", "tests.support.workers.steady_base", str(folder / "base"), *texts)
    return folder


def train(lab: Path, name: str, processes: int, **fields: Any) -> dict[str, Any]:
    training = Training(
        learning_rate=0.01,
        precision="float32",
        batch_size=8,
        epochs=3,
        save_every=10,
        execution=TrainingExecution(threads=1, device="cpu", processes=processes),
        **fields,
    )
    spec = TrainSpec(
        base_model=str(lab / "base"),
        chat_template=MINIMAL_CHATML,
        rows=str(lab / "rows.jsonl"),
        training=training,
        checkpoints=str(lab / name / "checkpoints"),
        out=str(lab / name / "out"),
    )
    return run_worker(Worker.TRAIN, spec, python=PYTHON)


def losses(summary: dict[str, Any]) -> list[float]:
    return [point["train_loss"] for point in summary["history"]]


@pytest.fixture(scope="module")
def by_two(lab: Path) -> dict[str, Any]:
    return train(lab, "two", processes=2)


def test_train_by_two_processes_has_the_losses_of_one(lab: Path, by_two: dict[str, Any]) -> None:
    by_one = train(lab, "one", processes=1)
    assert by_one["steps"] == by_two["steps"] == STEPS
    assert losses(by_two) == pytest.approx(losses(by_one), rel=1e-4)
    assert losses(by_one)[-1] < 0.5 * losses(by_one)[0]


def test_train_by_two_processes_resumed_exports_equal_bytes(lab: Path, by_two: dict[str, Any]) -> None:
    saved = Path("checkpoints") / "checkpoint-20"
    assert {path.name for path in (lab / "two" / saved).glob("rng_state*")} == {"rng_state_0.pth", "rng_state_1.pth"}
    shutil.copytree(lab / "two" / saved, lab / "again" / saved)
    assert train(lab, "again", processes=2)["history"] == by_two["history"]
    weights = [(lab / name / "out" / "model.safetensors").read_bytes() for name in ("two", "again")]
    assert weights[0] == weights[1]


def test_launch_command_of_one_process_is_the_worker_alone() -> None:
    assert launch_command(TrainingExecution(), "a.worker", "spec.json") == ["python", "-m", "a.worker", "spec.json"]


def test_launch_command_of_several_names_a_profile_that_accelerate_reads() -> None:
    profiles = []
    for sharding in ("none", "fsdp", "deepspeed"):
        command = launch_command(TrainingExecution(processes=4, sharding=sharding), "a.worker", "spec.json")
        assert command[-3:] == ["--module", "a.worker", "spec.json"]
        profiles.append(command[command.index("--config_file") + 1])
    read = (
        "import sys; from accelerate.commands.config.config_args import load_config_from_file as load;"
        "print(*(load(name).distributed_type.value for name in sys.argv[1:]))"
    )
    assert run_python("-c", read, *profiles).split() == ["MULTI_GPU", "FSDP", "DEEPSPEED"]


def test_train_on_logits_by_two_processes_has_the_losses_of_one(lab: Path) -> None:
    tokenizer = Tokenizer.from_file(str(lab / "base" / "tokenizer.json"))
    lines = []
    for index in range(0, NUM_ROWS, 3):
        tokens = tokenizer.encode("delivery" if index % 2 else "billing", add_special_tokens=False).ids
        numbers = top_numbers(tokens, [{one: -0.5, one + 1: -1.5} for one in tokens], 2)
        assert numbers is not None
        lines.append(TokenLine(index, str(index), None, 0, numbers))
    write_token_lines(lines, tokens_path(lab / "rows.jsonl"))
    by_one, by_two = (
        train(lab, f"logits {number}", number, kind="logits", logits=LogitsSettings(k=2)) for number in (1, 2)
    )
    assert by_two["teacher_tokens"] == by_one["teacher_tokens"] > 0
    assert losses(by_two) == pytest.approx(losses(by_one), rel=1e-4)
