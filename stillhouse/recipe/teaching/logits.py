"""The recipe's section `training.logits`: how a student learns from stored log-probabilities of the teacher."""

from typing import Literal

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel

# what vLLM gives a token, unless its server is told otherwise
MOST_LOGPROBS = 20


class LogitsSettings(FrozenModel):
    """Training on the teacher's log-probabilities of each token, without the teacher in memory. All is identity."""

    k: int = Field(
        16,
        ge=1,
        le=MOST_LOGPROBS,
        description="most probable tokens of the teacher that are kept at each position, with the mass of all others "
        f"as one; vLLM gives at most {MOST_LOGPROBS}. Of a label's first token, that of every label is known and asked "
        "for anyway",
    )
    draws: int = Field(
        0,
        ge=0,
        le=32,
        description="tokens drawn from the teacher's whole distribution at each position, in place of the k likeliest, "
        "for teachers served here: the loss is right on average, without a guess about the tail; 12 are enough "
        "(arXiv:2503.16870). 0: the k likeliest",
    )
    loss: Literal["forward_kl", "skewed_forward_kl", "reverse_kl"] = Field(
        "forward_kl",
        description="forward_kl: KL(teacher || student); skewed_forward_kl: KL(teacher || mixture of both), which "
        "no token that the student finds nearly impossible can dominate (DistiLLM, arXiv:2402.03898); reverse_kl: "
        "KL(student || teacher), for `draws` alone",
    )
    skew: float = Field(
        0.1, gt=0.0, lt=1.0, description="share of the teacher in that mixture, for loss: skewed_forward_kl"
    )
    temperature: float = Field(
        1.0, ge=1.0, le=20.0, description="softens the teacher's and the student's probabilities alike; 1: as they are"
    )
    weight: float = Field(
        0.5, ge=0.0, le=1.0, description="share of the loss that the teacher's probabilities take; the rest is its text"
    )
    by_certainty: bool = Field(
        False,
        description="multiply that share at each token by the chance that two draws of the teacher differ there: where "
        "it is sure the student learns its text, where it is not its probabilities (arXiv:2605.26246)",
    )
    teacher_weights: tuple[float, ...] = Field(
        (),
        description="factors of that share, one for each of several `teachers` in their order, from 0 (its text "
        "alone) to 1; empty: 1 for all",
    )

    @model_validator(mode="after")
    def _weights_are_shares(self) -> "LogitsSettings":
        if wrong := [weight for weight in self.teacher_weights if not 0.0 <= weight <= 1.0]:
            raise ValueError(f"teacher_weights: {wrong[0]:g} is refused: give each teacher a number from 0 to 1")
        return self

    @model_validator(mode="after")
    def _reverse_kl_is_unbiased(self) -> "LogitsSettings":
        if self.loss == "reverse_kl" and not self.draws:
            raise ValueError(
                "loss: reverse_kl weighs each token by the student's probability, and of tokens beyond the k likeliest "
                "nobody knows the teacher's: set draws to 12, with which it is right on average, or take "
                "loss: skewed_forward_kl, or training.kind: on_policy"
            )
        return self

    @property
    def width(self) -> int:
        """Numbers of a token."""
        return self.draws or self.k

    def weight_of(self, teacher_number: int | None) -> float:
        """Return a teacher's factor; `teacher_number` counts from 1, and None is the only one."""
        return self.teacher_weights[(teacher_number or 1) - 1] if self.teacher_weights else 1.0
