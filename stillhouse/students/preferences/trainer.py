"""Direct preference optimisation with TRL, on the token ids of supervised training.

TRL would tokenise prompts and answers by its own rules: all that the template writes behind an answer is learnt, and a
prompt is cut where its tokens differ from the whole conversation's. Here it is given ids. What it computes of them is
held to the paper's formula by tests/students/test_preferences.py.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import SequentialSampler
from trl import DPOConfig, DPOTrainer

from stillhouse.students.epoch_order import EpochSampler
from stillhouse.students.preferences.pair_rows import longest
from stillhouse.students.trainer_setup import as_dataset, callbacks_of, training_arguments

if TYPE_CHECKING:
    from datasets import Dataset

    from stillhouse.recipe.teaching.preferences import Preferences
    from stillhouse.students.trainer_setup import TrainingJob


class PreferenceTrainer(DPOTrainer):  # type: ignore[misc]  # TRL has no types in the control environment
    """TRL's trainer on pairs that are token ids already, in an order that a kill does not change."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        pairs = self.train_dataset if train_dataset is None else train_dataset
        return EpochSampler(self, [longest(pair) for pair in pairs])

    def _get_eval_sampler(self, eval_dataset: Dataset) -> SequentialSampler:
        # transformers would look for lengths under a name that pairs do not have
        return SequentialSampler(eval_dataset)


def build_trainer(job: TrainingJob, preferences: Preferences) -> PreferenceTrainer:
    """Return the trainer of the second step, ready to run; its reference is the job's model as it is now.

    The reference's log-probabilities are computed here, once, so that no second model is held. Nothing is dropped out:
    a reference that drops other numbers than the student would be no reference.
    """
    without_dropout(job.model)
    args = DPOConfig(
        **training_arguments(job),
        beta=preferences.beta,
        loss_type=[preferences.loss],
        max_length=None,  # the pairs fit already
        precompute_ref_log_probs=True,
    )
    trainer = PreferenceTrainer(
        model=job.model,
        args=args,
        train_dataset=as_dataset(job.rows),
        eval_dataset=as_dataset(job.validation) if job.validation else None,
        processing_class=job.tokenizer,
        callbacks=callbacks_of(job, rate_field="training.preferences.learning_rate"),
    )
    if "ref" in getattr(trainer.model, "peft_config", ()):
        # a copy of the adapter that TRL took the reference's log-probabilities with: no checkpoint need hold it
        trainer.model.delete_adapter("ref")
    return trainer


def without_dropout(model: Any) -> None:
    """Turn dropout off in every layer, in place; TRL leaves that of attention on, which is no layer of its own."""
    model.eval()
    for module in model.modules():
        for name in ("attention_dropout", "attn_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
