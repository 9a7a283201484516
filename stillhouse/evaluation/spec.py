"""What the evaluation worker is told; read in both environments."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.spec import AskSpec


class Candidate(BaseModel):
    """One model of the comparison and what it is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: ModelRole
    path: str
    revision: str = ""
    dtype: str
    quantization: str = ""
    prompting: Literal["teacher", "zero_shot", "student"]
    is_timed: bool = True  # False: only its answers are wanted


class EvaluateSpec(BaseModel):
    """One comparison: which models, on which rows, how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    candidates: tuple[Candidate, ...]
    teacher: Teacher
    prior: tuple[float, ...] | None  # of the teacher's calibration
    skill: AnySkill
    labels: tuple[str, ...]
    evaluation: Evaluation
    test: str  # Parquet file of test rows
    examples: str | None
    out: str


class EndpointSpec(AskSpec):
    """The measuring of a teacher behind an endpoint, on `rows`, which are the test rows."""

    evaluation: Evaluation
    out: str
