"""Training on the teacher's stored log-probabilities, as supervised fine-tuning with another loss of each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillhouse.students.logits.draws_loss import DrawsLoss
from stillhouse.students.logits.loss import LogitsLoss
from stillhouse.students.trainers.sft import CompletionTrainer, completion_trainer

if TYPE_CHECKING:
    from stillhouse.students.trainer_setup import TrainingJob


def build_trainer(job: TrainingJob) -> CompletionTrainer:
    """Return the trainer, ready to run."""
    assert job.teacher_tokens is not None, "the worker reads them for this kind"
    settings = job.training.logits
    return completion_trainer(job, (DrawsLoss if settings.draws else LogitsLoss)(settings, job.teacher_tokens))
