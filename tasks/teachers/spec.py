"""What the generation worker is told; read in both environments."""

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.store import StoreConfig
from tasks.recipe.skill import Skill
from tasks.recipe.teacher import Teacher


class GenerateSpec(BaseModel):
    """One generation: which rows, which teacher, which store, where the answers go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    model_path: str
    teacher: Teacher
    teacher_fingerprint: str
    skill: Skill
    labels: tuple[str, ...]
    rows: tuple[str, ...]  # Parquet files of rows to answer, in this order
    skip_labelled: bool  # rows with a reference are trained on it and need no answer
    examples: str | None  # Parquet file of labelled rows for the prompt
    store: StoreConfig
    out: str
