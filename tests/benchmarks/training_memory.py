"""The memory that a training is forecast to take, against the peak of its worker: three sizes of the demo's model.

    python tests/benchmarks/training_memory.py [--batch-size 4] [--words 150]

Trains 10, 20 and 30 layers of SmolLM2-135M in full for two steps on this machine's CPU, in float32. Prints parameters,
forecast and measured peak of resident memory, and how far the forecast is off, for which 15 % is the bound.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from stillhouse.inference.loading import load_config, load_tokenizer
from stillhouse.planning.training_memory import GIB, StudentShape, training_bytes
from stillhouse.recipe.training import Training
from stillhouse.repository import ROOT
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.size import num_parameters
from stillhouse.students.spec import ConvertSpec, TrainSpec

BOUND = 0.15
LAYERS = (10, 20, 30)
MODEL = ROOT / ".models" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--words", type=int, default=150, help="of a prompt, and of an answer")
    arguments = parser.parse_args()
    python = load_settings().engine_python
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_worker("stillhouse.students.convert", ConvertSpec(gguf=str(MODEL), out=str(folder / "base")), python=python)
        length = write_rows(folder, arguments.batch_size * 2, arguments.words)
        for layers in LAYERS:
            training = settled(arguments.batch_size, length)
            config, parameters = load_config(str(folder / "base")), num_parameters(str(folder / "base"), "", layers)
            assert parameters is not None
            forecast = training_bytes(StudentShape.of(config, parameters, layers), training)
            measured = peak_bytes(folder, layers, training, python)
            off = forecast / measured - 1
            verdict = "ok" if abs(off) <= BOUND else "MISSED"
            shown = f"{parameters / 1e6:.0f} million parameters, {arguments.batch_size} x {length} tokens"
            print(
                f"{shown}: forecast {forecast / GIB:.2f} GiB, measured {measured / GIB:.2f}, off {off:+.0%} {verdict}"
            )


def settled(batch_size: int, length: int) -> Training:
    """Return a training with every field set, as the stage would hand it to its worker."""
    return Training.model_validate(
        {
            "batch_size": batch_size,
            "max_length": length,
            "max_steps": 2,
            "learning_rate": 1e-4,
            "precision": "float32",
            "weights": "float32",
            "execution": {"gradient_checkpointing": False, "device": "cpu"},
        }
    )


def write_rows(folder: Path, number: int, words: int) -> int:
    """Write rows of one length, and return how many tokens an example has at most."""
    text = " ".join(["parcel"] * words)
    row = {"prompt": [{"role": "user", "content": text}], "completion": [{"role": "assistant", "content": text}]}
    (folder / "rows.jsonl").write_text("".join(json.dumps({"id": f"r{n}", **row}) + "\n" for n in range(number)))
    tokenizer = load_tokenizer(str(folder / "base"))
    return len(tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], tokenize=True)["input_ids"])


def peak_bytes(folder: Path, layers: int, training: Training, python: Path) -> int:
    """Return the most resident memory of the worker that trains so many layers."""
    out = folder / str(layers)
    spec = TrainSpec(
        base_model=str(folder / "base"),
        layers=layers,
        rows=str(folder / "rows.jsonl"),
        validation=None,
        training=training,
        checkpoints=str(out / "checkpoints"),
        out=str(out / "student"),
    )
    path = folder / "spec.json"
    path.write_text(spec.model_dump_json())
    log = (folder / "worker.log").open("w")
    child = subprocess.Popen(
        [str(python), "-m", "stillhouse.students.worker", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=log,
        stderr=log,
    )
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit((folder / "worker.log").read_text()[-2000:])
    return used.ru_maxrss * 1024


if __name__ == "__main__":
    main()
