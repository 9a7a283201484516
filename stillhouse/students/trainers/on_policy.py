"""On-policy distillation with TRL: after supervised steps, the student learns from the teacher about its own answers.

Agarwal et al., arXiv:2306.13649.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import EarlyStoppingCallback

from stillhouse.errors import ModelError
from stillhouse.students.base_model import load_base
from stillhouse.students.on_policy.gold import OtherTokens, check_byte_level
from stillhouse.students.on_policy.phases import PatientAfterText
from stillhouse.students.on_policy.same_tokens import check_same_tokens, fit_widths
from stillhouse.students.on_policy.server import ServerTeacher
from stillhouse.students.on_policy.trainer import LocalTeacher
from stillhouse.students.on_policy.trl_adapter import distillation_arguments, gold_loss
from stillhouse.students.trainer_setup import trainer_options

if TYPE_CHECKING:
    from stillhouse.students.spec import TeacherServer
    from stillhouse.students.trainer_setup import TrainingJob


def build_trainer(job: TrainingJob) -> Any:
    """Return the trainer, ready to run.

    Raises:
        ModelError: there is no teacher, it can't be loaded, its vocabulary is another one, or prompts and answers
            together are longer than the student's context.
    """
    _check_context(job)
    if job.teacher_server:
        return _with_server(job, job.teacher_server)
    if job.teacher is None:
        raise ModelError(
            "training.kind: on_policy computes with the teacher's weights, and got none: name a teacher without "
            "`endpoint` in the recipe, or take training.kind: sft."
        )
    weights = "bfloat16" if job.training.precision == "bfloat16" else "float32"
    teacher, tokenizer = load_base(job.teacher.model, job.teacher.revision, weights=weights)
    bridged = job.training.on_policy.bridge == "gold"
    return _with_bridge(job, teacher, tokenizer) if bridged else _with_weights(job, teacher, tokenizer)


def _with_weights(job: TrainingJob, teacher: Any, tokenizer: Any) -> LocalTeacher:
    check_same_tokens(job.tokenizer, tokenizer)
    fit_widths(job.model, teacher, len(tokenizer))
    return LocalTeacher(args=distillation_arguments(job), teacher_model=teacher, **_options(job))


def _with_bridge(job: TrainingJob, teacher: Any, tokenizer: Any) -> OtherTokens:
    check_byte_level(job.tokenizer, tokenizer)
    loss = gold_loss(job.training.on_policy, job.tokenizer, tokenizer, str(job.checkpoints))
    given = {"teacher": teacher, "teacher_tokenizer": tokenizer, "loss": loss}
    return OtherTokens(args=distillation_arguments(job), **given, **_options(job))


def _with_server(job: TrainingJob, server: TeacherServer) -> ServerTeacher:
    return ServerTeacher(args=distillation_arguments(job, server.url), server=server, **_options(job))


def _check_context(job: TrainingJob) -> None:
    context = getattr(job.model.config.get_text_config(), "max_position_embeddings", None)
    longest = max(row["completion_mask"].index(1) for row in job.rows)
    new = job.training.on_policy.max_new_tokens
    if context and longest + new > context:
        raise ModelError(
            f"training.on_policy.max_new_tokens: {new} behind the longest prompt of {longest} tokens is more than the "
            f"student's context of {context}: set it to at most {max(0, context - longest)}, or lower "
            "training.max_length."
        )


def _options(job: TrainingJob) -> dict[str, Any]:
    """Return what every trainer of this kind takes, but TRL's arguments."""
    settings = job.training.on_policy
    options = trainer_options(job)
    options["callbacks"] = [
        PatientAfterText(one.early_stopping_patience, settings.text_share)
        if isinstance(one, EarlyStoppingCallback)
        else one
        for one in options["callbacks"]
    ]
    return {**options, "settings": settings, "report": job.report}
