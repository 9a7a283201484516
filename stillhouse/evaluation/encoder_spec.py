"""What the worker that measures an encoder student reads."""

from stillhouse.config import StrictModel
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import AnySkill


class EncoderEvaluateSpec(StrictModel):
    """One encoder student and the rows that it answers."""

    schema_version: int = 1
    role: ModelRole
    folder: str
    skill: AnySkill
    labels: tuple[str, ...]
    evaluation: Evaluation
    test: str  # Parquet file
    validation: str | None  # the same of rows on which students are chosen; None: they are not answered
    out: str
