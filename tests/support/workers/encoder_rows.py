"""Training examples of three labels and the students of the tests of encoders; no torch here."""

import random
from pathlib import Path
from typing import Any

from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.students.encoder.spec import EncoderSpec
from tests.support.bert_folder import WORDS

LABELS = ("billing error", "delivery", "card_lost")
_TELLING = {"billing error": ("invoice", "error"), "delivery": ("parcel", "late"), "card_lost": ("card", "lost")}


def make_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Return training examples whose words tell the label; three of four have the teacher's probabilities."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        label = LABELS[number % len(LABELS)]
        words = [*chance.choices(_TELLING[label], k=3), *chance.choices(WORDS, k=chance.randint(0, 3))]
        row: dict[str, Any] = {
            "id": str(number),
            "prompt": [{"role": "user", "content": " ".join(chance.sample(words, len(words)))}],
            "completion": [{"role": "assistant", "content": label}],
        }
        if number % 4:
            row["label_probabilities"] = {name: 0.8 if name == label else 0.1 for name in LABELS}
        rows.append(row)
    return rows


# made by the tests' worker, by their names
OTHERS: dict[str, dict[str, Any]] = {
    "linear": {"method": "linear"},
    "untrained": {"method": "linear", "trained": False},
    "plain": {"epochs": 1, "save_every": 2},
    "zero": {"epochs": 1, "save_every": 2, "soft_labels": {"weight": 0.0}},
}


def spec_of(
    folder: Path, name: str, *, method: str = "fine_tuned", trained: bool = True, **training: Any
) -> EncoderSpec:
    """Return the spec of a student on the base and the rows of `folder`, without rows if it is not trained."""
    settings = {"learning_rate": 3e-3, "epochs": 6, "batch_size": 8, "early_stopping_patience": 0, **training}
    return EncoderSpec(
        base_model=str(folder / "base"),
        labels=LABELS,
        rows=str(folder / "rows.jsonl") if trained else None,
        validation=str(folder / "validation.jsonl") if trained else None,
        tuning=EncoderTuning.model_validate({"method": method}),
        training=Training.model_validate(settings | {"execution": TrainingExecution(threads=1, device="cpu")}),
        checkpoints=str(folder / f"{name}-checkpoints"),
        out=str(folder / name),
    )
