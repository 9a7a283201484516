"""The second step of training: the supervised student learns to prefer the better answer of each pair.

The first step hands over a folder, which is whole once SUMMARY is in it. Whether the training was killed before or
after that, the second step begins with the weights in the folder, so its student is the same.

Imported in the engine environment only.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.recipe.processes import share_of_batch
from stillhouse.students.base_model import load_base
from stillhouse.students.preferences.pair_rows import check_pairs, encode_pairs, read_pairs

if TYPE_CHECKING:
    from stillhouse.recipe.training import Training
    from stillhouse.students.spec import TrainSpec
    from stillhouse.students.tokens import Rows
    from stillhouse.students.trainer_setup import TrainingJob

HANDED_OVER = "supervised"  # in the folder of checkpoints
SUMMARY = "summary.json"  # of the first step; written last: its presence means complete
_STEPS = "preferences"
# of the logged numbers, TRL's names for what is reported of each step
_MEASURED = {"accuracy": "rewards/accuracies", "margin": "rewards/margins"}


@dataclass(frozen=True)
class EncodedPairs:
    """The pairs of a training as token ids."""

    train: Rows
    too_long: int  # pairs left out
    validation: Rows

    @property
    def counts(self) -> dict[str, int]:
        """Their numbers, as the summary has them."""
        return {
            "pairs": len(self.train),
            "pairs_too_long": self.too_long,
            "validation_pairs": len(self.validation),
        }


def train_first_step(job: TrainingJob) -> dict[str, Any]:
    """Return the summary of the first step; its student lies in the folder of checkpoints then, or did before."""
    from stillhouse.students.train import train

    folder = job.checkpoints / HANDED_OVER
    if (folder / SUMMARY).is_file():
        job.report.log("the first step is done: going on with its student")
        found: dict[str, Any] = json.loads((folder / SUMMARY).read_text())
        return found
    trained, summary = train(job)
    shutil.rmtree(folder, ignore_errors=True)
    trained.save_pretrained(folder)
    job.tokenizer.save_pretrained(folder)
    written = folder / f"{SUMMARY}.part"
    written.write_text(json.dumps(summary))
    written.rename(folder / SUMMARY)
    return summary


def encode_all_pairs(spec: TrainSpec, tokenizer: Any, stops: frozenset[int]) -> EncodedPairs:
    """Return the pairs of both splits as token ids.

    Raises:
        DataError: too few pairs fit `training.max_length`.
    """
    preferences, most = spec.training.preferences, spec.training.max_length
    assert preferences is not None, "called for the second step alone"

    def encoded(path: str | None, name: str) -> tuple[Rows, int]:
        into = Path(spec.checkpoints) / f"{name}.arrow"
        return encode_pairs(tokenizer, read_pairs(path), stops, most, into) if path else ([], 0)

    pairs, too_long = encoded(spec.pairs, "pairs")
    check_pairs(pairs, too_long, most, preferences.pairs.least)
    return EncodedPairs(pairs, too_long, encoded(spec.validation_pairs, "validation_pairs")[0])


def train_on_pairs(job: TrainingJob, pairs: EncodedPairs, load: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Return (trained student, fields of a PreferenceSummary), going on from `job.checkpoints` after a kill.

    With validation pairs it is the student with the least validation loss, otherwise the last.

    Args:
        job: the first step's, without its model and rows: memory holds one student.
        load: returns the untrained student, for the first step's adapter, if one was trained.
    """
    from stillhouse.students.preferences.trainer import build_trainer
    from stillhouse.students.train import run_trainer, set_threads

    preferences = job.training.preferences
    assert preferences is not None, "called for the second step alone"
    training = second_training(job.training)
    set_threads(training.execution.threads)
    gc.collect()
    step = replace(
        job,
        model=_student(job, load),
        rows=pairs.train,
        validation=pairs.validation,
        training=training,
        checkpoints=job.checkpoints / _STEPS,
    )
    trainer = build_trainer(step, preferences)
    trained, summary = run_trainer(trainer, step)
    names = ("steps", "best_step", "seconds", "train_loss", "validation_loss")
    return trained, {
        **pairs.counts,
        **{name: summary[name] for name in names},
        **_numbers(trainer.state.log_history, summary["best_step"]),
    }


def second_training(training: Training) -> Training:
    """Return how the second step is trained: as the first, but for what the recipe sets for it alone.

    A pair takes the room of two rows, so that half as many are in a forward pass, and as many in a step.
    """
    preferences = training.preferences
    assert preferences is not None, "called for the second step alone"
    share = share_of_batch(training)
    assert share is not None, "refused before work"
    pairs = training.batch_size * training.gradient_accumulation
    at_once = max(size for size in range(1, max(1, share[0] // 2) + 1) if pairs % size == 0)
    changes = {
        "kind": "sft",
        "epochs": preferences.epochs,
        "learning_rate": preferences.learning_rate,
        "max_steps": 0,
        "packing": False,
        "soft_labels": None,
        "batch_size": at_once,
        "gradient_accumulation": pairs // at_once,
    }
    return training.model_copy(update=changes)


def _student(job: TrainingJob, load: Callable[[], Any]) -> Any:
    """Return the first step's student: its weights, or its adapter on those of the untrained one."""
    folder = job.checkpoints / HANDED_OVER
    if not job.training.has_adapter:
        return load_base(str(folder), "", weights=job.training.weights or "float32")[0]
    from peft import PeftModel

    return PeftModel.from_pretrained(load(), folder, is_trainable=True)


def _numbers(log: list[dict[str, Any]], best_step: int) -> dict[str, Any]:
    """Return what was measured of the pairs: accuracy is the share whose better answer gained more, margin by how much.

    Both are of the last tenth of the steps, each before its update, and of the validation pairs with the student that
    is kept. Margins are differences of rewards, beta x log(student / reference), in nats.
    """
    steps = [entry for entry in log if "loss" in entry]
    last = steps[-max(1, len(steps) // 10) :]
    of_validation = next((entry for entry in log if "eval_loss" in entry and entry["step"] == best_step), {})
    return {
        **{name: sum(entry[key] for entry in last) / len(last) for name, key in _MEASURED.items()},
        **{f"validation_{name}": of_validation.get(f"eval_{key}") for name, key in _MEASURED.items()},
        "history": [
            {"step": entry["step"], **{name: entry[key] for name, key in _MEASURED.items()}}
            | {"train_loss": entry["loss"]}
            for entry in steps
        ],
    }
