"""Builds a trainer that compares layers, for any way to compare them.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillhouse.students.layer_matching.source import load_source
from stillhouse.students.layer_matching.trainer import MatchingTrainer
from stillhouse.students.soft_loss import SoftLabelLoss
from stillhouse.students.trainer_setup import trainer_options
from stillhouse.students.trainers.sft import sft_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillhouse.recipe.training import Training
    from stillhouse.students.layer_matching.matching import Matching
    from stillhouse.students.trainer_setup import TrainingJob


def build_matching_trainer(job: TrainingJob, matching: Callable[[Training, Any, Any], Matching]) -> MatchingTrainer:
    """Return the trainer, ready to run; `matching` makes of the settings and both models what compares them.

    Raises:
        ModelError: the model to learn from can't be loaded, or does not fit the student.
    """
    training = job.training
    assert training.layer_matching is not None
    return MatchingTrainer(
        settings=training.layer_matching,
        source=load_source(job),
        match=lambda student, source: matching(training, student, source),
        loss=SoftLabelLoss(training.soft_labels, job.choices) if training.soft_labels else None,
        args=sft_config(job),
        **trainer_options(job),
    )
