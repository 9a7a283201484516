"""All that on-policy training takes from TRL; a test compares what it computes with the definitions.

TRL's distillation changes between releases, and its server teacher and GOLD are in `trl.experimental`. No other module
imports them. Imported in the engine environment only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# TRL warns of `trl.experimental`; the recipe's descriptions say it to those who choose it
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

from trl import DistillationConfig, DistillationTrainer
from trl.experimental.gold.gold_config import GOLDConfig
from trl.experimental.gold.gold_trainer import ULDLoss
from trl.experimental.server_distillation import ServerDistillationConfig, ServerDistillationTrainer
from trl.experimental.utils import encode_with_byte_offsets, is_byte_level_tokenizer, piece_byte_len
from trl.generation.vllm_client import VLLMClient
from trl.trainer.utils import pad

from stillhouse.students.trainer_setup import training_arguments

if TYPE_CHECKING:
    from stillhouse.recipe.teaching.on_policy import OnPolicy
    from stillhouse.students.trainer_setup import TrainingJob

__all__ = [
    "AskingTrainer",
    "DistillationConfig",
    "DistillationTrainer",
    "VLLMClient",
    "distillation_arguments",
    "encode_with_byte_offsets",
    "gold_loss",
    "is_byte_level_tokenizer",
    "pad",
    "piece_byte_len",
]


class AskingTrainer(ServerDistillationTrainer):  # type: ignore[misc]  # TRL is untyped in the control environment
    """TRL's trainer with a teacher behind a server, without the client that its constructor connects."""

    def __init__(self, **options: Any) -> None:
        """Take what TRL's trainer takes; `teacher_client` is to be set."""
        DistillationTrainer.__init__(self, **options)
        self.reverse_kl_top_1_mode = self.args.reverse_kl_top_1_mode
        self.loss_top_k = self.args.loss_top_k
        self.loss_add_tail = self.args.loss_add_tail


def distillation_arguments(job: TrainingJob, server: str = "") -> DistillationConfig:
    """Return TRL's arguments of a training; `server` is the address of a teacher that is asked."""
    chosen = job.training.on_policy
    given = training_arguments(job) | {
        # its rows become tensors when they are answered, and are counted there
        "include_num_input_tokens_seen": "no",
        "remove_unused_columns": False,
        "beta": chosen.beta,
        # TRL's `temperature` is that of the comparison and of the sampling, unless the latter is given apart
        "temperature": chosen.kd_temperature,
        "generation_kwargs": {"temperature": chosen.sampling_temperature},
        "max_completion_length": chosen.max_new_tokens,
    }
    if not server:
        return DistillationConfig(**given)
    return ServerDistillationConfig(
        **given, teacher_model_server_url=server, loss_top_k=chosen.server_tokens, loss_add_tail=True
    )


def gold_loss(chosen: OnPolicy, student: Any, teacher: Any, out: str) -> Any:
    """Return GOLD's loss between models of two tokenizers, which aligns their tokens by bytes.

    Tokens that both vocabularies have are compared one by one, by the divergence that `beta` names; the others by their
    sorted probabilities. "bayesian" is the merge by the chain rule, in which position k predicts token k. Stop tokens
    are compared too: a student must learn where to end.
    """
    config = GOLDConfig(
        output_dir=out,
        use_cpu=True,
        bf16=False,
        max_length=None,
        beta=chosen.beta,
        use_uld_loss=True,
        use_extended_uld=True,
        uld_use_hybrid_loss=True,
        uld_token_merge_strategy="bayesian",
        uld_student_temperature=chosen.kd_temperature,
        uld_teacher_temperature=chosen.kd_temperature,
        uld_skip_student_eos=False,
        uld_skip_teacher_eos=False,
    )
    return ULDLoss(config, student_tokenizer=student, teacher_tokenizer=teacher)
