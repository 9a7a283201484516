"""What decides which rows a student is trained on."""

from typing import Literal

from stillhouse.config import FrozenModel, optional_identity
from stillhouse.filters.combine import Mixing
from stillhouse.filters.settings import Filters
from stillhouse.recipe.data import Balance
from stillhouse.recipe.teaching.preferences import Pairs
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import Calibration


class DatasetSpec(FrozenModel):
    """What decides which rows a student is trained on."""

    filters: Filters
    skill: AnySkill
    labels: tuple[str, ...]
    use_references: bool  # rows with a reference train on it, not on a teacher's completion
    calibration: Calibration  # of the first teacher
    other_calibrations: tuple[Calibration, ...] | None = optional_identity(None, "of the others, in their order")
    mixing: Mixing | None = optional_identity(None, "what is kept of several teachers' answers")
    balance: Balance | None = optional_identity(None, "how the labels of what trains are evened out")
    reasoning: Literal["drop", "keep", "mix"] = optional_identity(
        "drop", "what becomes of the reasoning before an answer"
    )
    reasoning_mix: ReasoningMix | None = optional_identity(None, "the shares of long and short reasoning")
    pairs: Pairs | None = optional_identity(None, "which samples are pairs for a second step; none: there is no such")
    opinion_weight: float = optional_identity(0.0, "of a second opinion beside the teacher's")
    label_probabilities: bool = optional_identity(False, "rows hold the teacher's probability of each label")
    top_logprobs: int = optional_identity(0, "likeliest tokens of the teacher that are written at each position")
    token_draws: bool = optional_identity(False, "tokens drawn from the teacher are written at each position")

    @property
    def calibrations(self) -> tuple[Calibration, ...]:
        """One a teacher, in the recipe's order."""
        return (self.calibration, *(self.other_calibrations or ()))
