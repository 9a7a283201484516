"""Loads the model whose layers a student learns.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillhouse.errors import ModelError
from stillhouse.students.base_model import load_base

if TYPE_CHECKING:
    from stillhouse.students.trainer_setup import TrainingJob


def load_source(job: TrainingJob) -> Any:
    """Return the teacher, or the student's whole base model: without gradients and dropout, in training's precision.

    Raises:
        ModelError: it can't be loaded, or its vocabulary is not the student's.
    """
    training = job.training
    assert training.layer_matching is not None
    assert training.precision is not None, "settled before the fingerprint was made of it"
    if job.teacher is None:
        raise ModelError(
            f"training.kind: {training.kind} has no weights to learn from: add a teacher without `endpoint`, or set "
            f"training.{training.kind}.source to base."
        )
    model, tokenizer = load_base(job.teacher.model, job.teacher.revision, weights=training.precision)
    own, theirs = job.tokenizer.get_vocab(), tokenizer.get_vocab()
    if training.layer_matching.source == "teacher" and own != theirs:
        raise ModelError(
            f"training.kind: {training.kind} shows the teacher the student's tokens, and their vocabularies differ "
            f"({len(own):,} and {len(theirs):,} tokens): take a student of the teacher's family, set "
            f"training.{training.kind}.source to base, or training.kind to sft."
        )
    job.report.log(f"learning layers of the {training.layer_matching.source}: {model.num_parameters():,} parameters")
    return model.eval().requires_grad_(False)
