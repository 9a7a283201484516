"""The trainings of a check: a student with random weights that is as large as the GPU can train in full."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.gpu_check.make_student import SHAPE
from infra.gpu_check.place import Place
from infra.gpu_check.steps import Figures
from stillhouse.inference.loading import load_config
from stillhouse.planning.training_memory import StudentShape, training_bytes
from stillhouse.recipe.training import Training
from stillhouse.students.size import num_parameters
from stillhouse.students.spec import TrainSpec

# of the GPU's memory, for weights, gradients and AdamW's numbers; the rest is for activations
_SHARE = 0.6
_BYTES_PER_PARAMETER = 8  # all weights in bfloat16; docs/guides/large-students.md
_VOCABULARY = 49_152  # of the demo's tokenizer
_NUM_ROWS, _NUM_WORDS = 64, 160
_STEPS = 8
METHODS: Mapping[str, Mapping[str, Any]] = {
    "training with checkpointing": {"method": "full"},
    "LoRA": {"method": "lora"},
    "QLoRA": {"method": "qlora"},
}


def num_layers(gpu_bytes: int) -> int:
    """Return how many of Phi-3.5-mini's 32 layers, at least one, a GPU can train in full."""
    hidden = SHAPE["hidden_size"]
    layer = 4 * hidden * hidden + 3 * hidden * SHAPE["intermediate_size"]
    room = _SHARE * gpu_bytes / _BYTES_PER_PARAMETER - 2 * _VOCABULARY * hidden
    return int(max(1, min(SHAPE["num_hidden_layers"], room // layer)))


def write_rows(path: Path) -> None:
    """Write rows of some hundred tokens each."""
    prompt = " ".join(["Where is my parcel, please, and when will it be here?"] * (_NUM_WORDS // 10))
    rows = (
        {
            "id": f"r{number}",
            "prompt": [{"role": "user", "content": f"{number}. {prompt}"}],
            "completion": [{"role": "assistant", "content": f"Parcel {number} is on its way. {prompt}"}],
        }
        for number in range(_NUM_ROWS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def train(place: Place, student: Path, method: str) -> Figures:
    """Train the student by a method of `METHODS`, and return steps, tokens a second and the loss."""
    rows, out = place.folder / "rows.jsonl", place.folder / method.replace(" ", "-")
    write_rows(rows)
    spec = TrainSpec(
        base_model=str(student),
        rows=str(rows),
        validation=None,
        training=training_of(method),
        checkpoints=str(out / "checkpoints"),
        out=str(out / "student"),
    )
    summary: Any = place.worker("stillhouse.students.worker", spec)
    return {
        "parameters": summary["parameters"],
        "steps": summary["steps"],
        "tokens a second": summary["tokens"] / summary["seconds"],
        "loss": summary["train_loss"],
    }


def forecast_bytes(student: Path, method: str) -> int | None:
    """Return the forecast memory of a method; None if the student's size can't be read."""
    parameters = num_parameters(str(student), "", 0)
    if parameters is None:
        return None
    return training_bytes(StudentShape.of(load_config(str(student)), parameters), training_of(method))


def training_of(method: str) -> Training:
    """Return the settings of a method: as a recipe on a GPU has them, for a few steps."""
    return Training.model_validate(
        {
            **METHODS[method],
            "max_steps": _STEPS,
            "batch_size": 4,
            "max_length": 1024,
            "learning_rate": 1e-5,
            "precision": "bfloat16",
            "weights": "bfloat16",
            "execution": {"gradient_checkpointing": True, "device": "cuda"},
        }
    )
