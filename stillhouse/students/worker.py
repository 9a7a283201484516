"""Trains one student from a spec file.

Command: `python -m stillhouse.students.worker spec.json` (engine environment)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stillhouse.completions.token_numbers import tokens_path
from stillhouse.data.row import Messages
from stillhouse.runtime.worker import Reporter, rank, serve
from stillhouse.students.base_model import load_base
from stillhouse.students.export import attach_adapter, copy_processor, save_student, write_history
from stillhouse.students.initialise import initialise
from stillhouse.students.label_choices import Choice, ChoiceTable, num_with_choices
from stillhouse.students.launch import TRAIN_WORKER, become_launcher
from stillhouse.students.logits.student_tokens import StudentTokens
from stillhouse.students.logits.token_table import TeacherMarks, TokenTable, check_covered
from stillhouse.students.on_policy.teacher_prompts import TeacherPrompts
from stillhouse.students.served_template import prepare_template
from stillhouse.students.spec import TrainSpec
from stillhouse.students.tokens import Marks, Rows, encode, encode_rows, iterate_rows, stop_ids

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
    teacher_tokens: TokenTable | None  # that rows point to; None but for kind: logits
    covered: dict[str, int]  # tokens that training rows learn, and those with the teacher's numbers

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
        DataError: there are no rows, or none that fits `training.max_length`; or too few pairs that fit.
    """
    from stillhouse.students.preferences.second_step import encode_all_pairs, train_first_step, train_on_pairs
    from stillhouse.students.train import train
    from stillhouse.students.trainer_setup import TrainingJob

    out = Path(spec.out)
    assert spec.training.precision is not None, "settled before the fingerprint was made of it"
    loading = {"weights": spec.training.weights or "float32", "in_4_bits": _is_in_4_bits(spec)}
    model, tokenizer = _untrained(spec, **loading)
    prepare_template(tokenizer, spec)
    stops = stop_ids(model.generation_config, tokenizer)
    rows = _encode_all(spec, tokenizer, model)
    counts: dict[str, Any] = rows.counts | {"parameters": model.num_parameters()}
    report.log(
        f"{counts['rows']} rows, {rows.too_long} longer than training.max_length, {len(rows.validation)} for validation"
    )
    if spec.training.soft_labels:
        counts["rows_with_soft_label"] = num_with_choices(rows.train)
        report.log(f"{counts['rows_with_soft_label']} rows learn the teacher's probabilities of the labels")
    if rows.covered:
        counts |= rows.covered
        report.log("{teacher_tokens} of {learnt_tokens} tokens have the teacher's log-probabilities".format(**counts))
    checkpoints = Path(spec.checkpoints)
    pairs = encode_all_pairs(spec, tokenizer, stops) if spec.pairs else None
    job = TrainingJob(
        model,
        tokenizer,
        rows.train,
        rows.validation,
        spec.training,
        checkpoints,
        report,
        choices=rows.choices,
        teacher_tokens=rows.teacher_tokens,
        teacher=spec.teacher,
        teacher_server=spec.teacher_server,
    )
    config = model.config
    if pairs is None:
        trained, summary = train(job)
    else:
        summary = train_first_step(job)
        # memory is to hold one student
        job, model = replace(job, model=None, rows=[], validation=[], choices=(), teacher_tokens=None), None
        trained, second = train_on_pairs(job, pairs, lambda: _untrained(spec, **loading)[0])
        counts["preferences"] = second
    if rank() == 0:
        save_student(_whole(trained, spec), tokenizer, out, spec.training.precision)
        copy_processor(config, spec.base_model, spec.revision, out)
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


def _encode_all(spec: TrainSpec, tokenizer: Any, model: Any) -> EncodedRows:
    """Return the rows and the validation rows, if there are any, as token ids."""
    stops = stop_ids(model.generation_config, tokenizer)
    soft, training = spec.training.soft_labels, spec.training

    def one(prompt: Messages, answer: Messages) -> dict[str, list[int]]:
        return encode(tokenizer, prompt, answer, stops)

    choices = ChoiceTable(one) if soft else None
    # each of several processes has files of its own
    folder, suffix = Path(spec.checkpoints), f"{rank()}.arrow"
    table = TokenTable(folder / f"tokens-{rank()}.bin", training.logits.width) if training.kind == "logits" else None

    prompts = _teacher_prompts(spec)

    def marks_of(path: str) -> TeacherMarks | None:
        if table is None:
            return None
        student = StudentTokens(tokenizer, one, model.get_input_embeddings().num_embeddings)
        return TeacherMarks(tokens_path(Path(path)), table, training.logits, student, longest=training.max_length)

    def encoded(path: str, name: str, marks: Marks | None) -> tuple[Rows, int]:
        rows = iterate_rows(Path(path))
        return encode_rows(tokenizer, rows, stops, training.max_length, marks, into=folder / f"{name}-{suffix}")

    marks = marks_of(spec.rows)
    train, too_long = encoded(spec.rows, "rows", marks or prompts or choices)
    covered: dict[str, int] = {}
    if marks:
        check_covered(marks)
        covered = {"learnt_tokens": marks.num_tokens, "teacher_tokens": marks.num_covered}
    validation, validation_too_long = (
        encoded(spec.validation, "validation", marks_of(spec.validation) or prompts or choices)
        if spec.validation
        else ([], 0)
    )
    found = choices.choices if choices else []
    return EncodedRows(train, too_long, validation, validation_too_long, found, table, covered)


def _teacher_prompts(spec: TrainSpec) -> TeacherPrompts | None:
    """Return what adds the prompts of a teacher with another tokenizer, if the method has one."""
    is_bridged = spec.training.kind == "on_policy" and spec.training.on_policy.bridge != "none"
    if not is_bridged or spec.teacher is None:
        return None
    return TeacherPrompts(spec.teacher, with_reasoning=spec.reasoning == "keep")


if __name__ == "__main__":
    # read once, when torch loads: threads that spin while they wait for a core made training five times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    become_launcher(TRAIN_WORKER, sys.argv[1])
    serve(TrainSpec, run)
