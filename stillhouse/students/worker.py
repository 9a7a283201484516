"""Trains one student from a spec file.

Command: `python -m stillhouse.students.worker spec.json` (engine environment)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stillhouse.runtime.worker import Reporter, rank, serve
from stillhouse.students.base_model import load_base
from stillhouse.students.export import attach_adapter, copy_processor, save_student, write_history
from stillhouse.students.initialise import initialise
from stillhouse.students.label_choices import Choice, ChoiceTable, num_with_choices
from stillhouse.students.launch import TRAIN_WORKER, become_launcher
from stillhouse.students.served_template import prepare_template
from stillhouse.students.spec import TrainSpec
from stillhouse.students.tokens import Rows, encode, encode_rows, iterate_rows, stop_ids

# those whose version decides whether an exported student loads
_LIBRARIES = ("transformers", "tokenizers", "safetensors", "torch", "trl", "peft")


@dataclass(frozen=True)
class EncodedRows:
    """The rows of a training as token ids."""

    train: Rows
    too_long: int  # rows left out
    validation: Rows
    validation_too_long: int
    choices: list[Choice]  # that rows point to; empty without soft labels

    @property
    def counts(self) -> dict[str, int]:
        """Their numbers, as the summary has them."""
        return {
            "rows": len(self.train),
            "rows_too_long": self.too_long,
            "validation_rows": len(self.validation),
            "validation_rows_too_long": self.validation_too_long,
        }


def run(spec: TrainSpec, report: Reporter) -> dict[str, Any]:
    """Write the trained student and history.jsonl into `spec.out`; return the training's numbers.

    Raises:
        ModelError: the base model can't be loaded or cut, or its chat template can't be trained on.
        DataError: there are no rows, or none that fits `training.max_length`.
    """
    from stillhouse.students.train import train
    from stillhouse.students.trainer_setup import TrainingJob

    out = Path(spec.out)
    assert spec.training.precision is not None, "settled before the fingerprint was made of it"
    model, tokenizer = _untrained(spec, weights=spec.training.weights or "float32", in_4_bits=_is_in_4_bits(spec))
    prepare_template(tokenizer, spec)
    rows = _encode_all(spec, tokenizer, stop_ids(model.generation_config, tokenizer))
    counts: dict[str, Any] = rows.counts | {"parameters": model.num_parameters()}
    report.log(
        f"{counts['rows']} rows, {rows.too_long} longer than training.max_length, {len(rows.validation)} for validation"
    )
    if spec.training.soft_labels:
        counts["rows_with_soft_label"] = num_with_choices(rows.train)
        report.log(f"{counts['rows_with_soft_label']} rows learn the teacher's probabilities of the labels")
    checkpoints = Path(spec.checkpoints)
    job = TrainingJob(
        model, tokenizer, rows.train, rows.validation, spec.training, checkpoints, report, rows.choices, spec.teacher
    )
    trained, summary = train(job)
    if rank() == 0:
        save_student(_whole(trained, spec), tokenizer, out, spec.training.precision)
        copy_processor(model.config, spec.base_model, spec.revision, out)
        write_history(summary["history"], out)
    return counts | {"libraries": {name: version(name) for name in _LIBRARIES}} | summary


def _untrained(spec: TrainSpec, **loading: Any) -> tuple[Any, Any]:
    return initialise(spec.base_model, spec.revision, spec.layers, spec.chat_template, **loading)


def _whole(trained: Any, spec: TrainSpec) -> Any:
    """Return the trained student in this process's memory, with an adapter on unquantised weights."""
    from stillhouse.students.train import GATHERED

    shared = Path(spec.checkpoints) / GATHERED if spec.training.execution.sharding != "none" else None
    if not (shared or _is_in_4_bits(spec)):
        return trained
    if spec.training.has_adapter:
        return attach_adapter(trained, shared, lambda: _untrained(spec, weights="bfloat16")[0])
    return load_base(str(shared), "", weights="bfloat16" if spec.training.weights else "float32")[0]


def _is_in_4_bits(spec: TrainSpec) -> bool:
    return spec.training.method == "qlora"


def _encode_all(spec: TrainSpec, tokenizer: Any, stops: frozenset[int]) -> EncodedRows:
    """Return the rows and the validation rows, if there are any, as token ids."""
    soft = spec.training.soft_labels
    choices = ChoiceTable(lambda prompt, answer: encode(tokenizer, prompt, answer, stops)) if soft else None

    def encoded(path: str, name: str) -> tuple[Rows, int]:
        # each of several processes has a file of its own
        into = Path(spec.checkpoints) / f"{name}-{rank()}.arrow"
        return encode_rows(tokenizer, iterate_rows(Path(path)), stops, spec.training.max_length, choices, into=into)

    train, too_long = encoded(spec.rows, "rows")
    validation, validation_too_long = encoded(spec.validation, "validation") if spec.validation else ([], 0)
    return EncodedRows(train, too_long, validation, validation_too_long, choices.choices if choices else [])


if __name__ == "__main__":
    # read once, when torch loads: threads that spin while they wait for a core made training five times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    become_launcher(TRAIN_WORKER, sys.argv[1])
    serve(TrainSpec, run)
