"""Trains one student from a spec file.

Command: `python -m stillhouse.students.worker spec.json` (engine environment)
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stillhouse.runtime.worker import Reporter, serve
from stillhouse.students.export import copy_processor, save_student, write_history
from stillhouse.students.initialise import initialise
from stillhouse.students.served_template import prepare_template
from stillhouse.students.spec import TrainSpec
from stillhouse.students.tokens import encode_rows, read_rows, stop_ids

# those whose version decides whether an exported student loads
_LIBRARIES = ("transformers", "tokenizers", "safetensors", "torch", "trl", "peft")


def run(spec: TrainSpec, report: Reporter) -> dict[str, Any]:
    """Write the trained student and history.jsonl into `spec.out`; return the training's numbers.

    Raises:
        ModelError: the base model can't be loaded or cut, or its chat template can't be trained on.
        DataError: there are no rows, or none that fits `training.max_length`.
    """
    from stillhouse.students.train import train
    from stillhouse.students.trainer_setup import TrainingJob

    out = Path(spec.out)
    model, tokenizer = initialise(spec.base_model, spec.revision, spec.layers, spec.chat_template)
    prepare_template(tokenizer, spec)
    stops = stop_ids(model.generation_config, tokenizer)
    rows, too_long = encode_rows(tokenizer, read_rows(Path(spec.rows)), stops, spec.training.max_length)
    validation: list[dict[str, list[int]]] = []
    validation_too_long = 0
    if spec.validation:
        held_out = read_rows(Path(spec.validation))
        validation, validation_too_long = encode_rows(tokenizer, held_out, stops, spec.training.max_length)
    report.log(f"{len(rows)} rows, {too_long} longer than training.max_length, {len(validation)} for validation")
    parameters = model.num_parameters()
    job = TrainingJob(model, tokenizer, rows, validation, spec.training, Path(spec.checkpoints), report)
    trained, summary = train(job)
    save_student(trained, tokenizer, out, spec.training.precision)
    copy_processor(model.config, spec.base_model, spec.revision, out)
    write_history(summary["history"], out)
    counts = {
        "rows": len(rows),
        "rows_too_long": too_long,
        "validation_rows": len(validation),
        "validation_rows_too_long": validation_too_long,
        "parameters": parameters,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return counts | summary


if __name__ == "__main__":
    # read once, when torch loads: threads that spin while they wait for a core made training five times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    serve(TrainSpec, run)
