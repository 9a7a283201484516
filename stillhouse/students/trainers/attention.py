"""Supervised fine-tuning that also learns the attention relations of another model: MiniLMv2's, for decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillhouse.students.layer_matching.attention import AttentionMatching
from stillhouse.students.layer_matching.build import build_matching_trainer

if TYPE_CHECKING:
    from stillhouse.students.layer_matching.trainer import MatchingTrainer
    from stillhouse.students.trainer_setup import TrainingJob


def build_trainer(job: TrainingJob) -> MatchingTrainer:
    """Return the trainer, ready to run.

    Raises:
        ModelError: the model to learn from can't be loaded, or does not fit the student.
    """
    return build_matching_trainer(job, AttentionMatching)
