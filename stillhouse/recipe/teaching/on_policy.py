"""How a student learns from what the teacher says of the student's own answers."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel


class OnPolicy(FrozenModel):
    """The section `training.on_policy`, for `training.kind: on_policy`. Every field is identity.

    On-policy distillation: arXiv:2306.13649. Other tokenizers: GOLD, of TRL.
    """

    text_share: float = Field(
        0.5,
        ge=0.0,
        lt=1.0,
        description="share of the steps that come first and learn the training examples' text, as kind: sft does; a "
        "student that cannot answer yet writes nothing that a teacher could correct",
    )
    own_share: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="share of the rows of each later step whose answer the student writes itself (lambda in "
        "arXiv:2306.13649); the others take the training example's answer, and learn from the teacher alike",
    )
    beta: float = Field(
        1.0,
        ge=0.0,
        le=1.0,
        description="what is lowered between teacher and student. 1: the reverse KL, by which the student keeps to "
        "what the teacher finds likely; 0: the forward KL, by which it covers all that the teacher may say; between: "
        "the generalised Jensen-Shannon divergence",
    )
    kd_temperature: float = Field(
        1.0,
        gt=0.0,
        le=20.0,
        description="softens the teacher's and the student's distributions alike where they are compared; it changes "
        "nothing of how answers are written",
    )
    sampling_temperature: float = Field(
        1.0,
        gt=0.0,
        le=5.0,
        description="of the student's own answers; it changes nothing of how distributions are compared",
    )
    max_new_tokens: int = Field(
        128, ge=1, description="most tokens of an answer that the student writes; a longer one is learnt as far as that"
    )
    bridge: Literal["none", "gold"] = Field(
        "none",
        description="for a teacher of another tokenizer. none: refused; gold: tokens are aligned by the bytes that "
        "they write, and each model has the prompt in its own chat template (GOLD, which TRL calls experimental; both "
        "tokenizers must be byte-level)",
    )
    teacher: Literal["weights", "server"] = Field(
        "weights",
        description="weights: a teacher without `endpoint`, in the memory of the training; server: one with "
        "endpoint.provider: vllm, which is asked for the log-probabilities of each answer (TRL calls it experimental)",
    )
    server_tokens: int = Field(
        1,
        ge=1,
        le=20,
        description="of teacher: server, how many of the teacher's likeliest tokens are compared at each position, the "
        "rest as one; more than 1 needs beta: 0, and --max-logprobs of the server",
    )
