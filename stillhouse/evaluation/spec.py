"""The specs of the evaluation's workers, read in both environments, and the summary of the stage."""

from typing import Literal

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary
from stillhouse.config import StrictModel
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.vllm.chat_template import TemplateSettings
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.spec import AskSpec


class Candidate(StrictModel):
    """One model of the comparison and how it is prompted."""

    role: ModelRole
    path: str
    revision: str = ""
    dtype: str
    quantization: str = ""
    prompting: Literal["teacher", "zero_shot", "student"]
    # of the chat template; a student's own template has them already
    template: TemplateSettings = TemplateSettings()
    without_reasoning: bool = False  # thinking is off, and the generation prompt ends where an answer begins
    engine: Engine = Engine()
    refusal: str = ""  # why no engine may start with it here
    is_timed: bool = True  # False: only its answers count
    answers_validation: bool = False  # also answers the validation rows, on which its certainty is calibrated


class EvaluateSpec(StrictModel):
    """One comparison: the models, the rows and the settings."""

    schema_version: int = 1
    candidates: tuple[Candidate, ...]
    teacher: Teacher
    prior: tuple[float, ...] | None  # of the teacher's calibration
    skill: AnySkill
    labels: tuple[str, ...]
    evaluation: Evaluation
    test: str  # Parquet file of test rows
    validation: str | None = None  # of validation rows
    examples: str | None
    answers: str  # a folder with one for each candidate that has answered, by its role
    out: str


class EvaluateApiSpec(AskSpec):
    """The evaluation of an API teacher; `rows` are the test rows."""

    evaluation: Evaluation
    out: str


class EvaluateSummary(StageSummary):
    """The models that answered, and the number of test rows."""

    models: tuple[str, ...]
    rows: int
    # models whose answers are of an earlier run, with the fingerprints of these
    found: dict[str, str] = Field(default_factory=dict)
