"""What the generation workers are told; read in both environments."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.store import StoreConfig
from tasks.costs.allowance import Cap
from tasks.recipe.skill import Skill
from tasks.recipe.teacher import Teacher


class AskSpec(BaseModel):
    """Which rows, which teacher, and which store keeps the answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    model_path: str
    teacher: Teacher
    teacher_fingerprint: str
    skill: Skill
    labels: tuple[str, ...]
    rows: tuple[str, ...]  # Parquet files of rows to answer, in this order
    skip_labelled: bool  # rows with a reference are trained on it and need no answer
    check_labels: bool = False  # all labelled rows are answered, those of `examples` too, to be compared with it
    examples: str | None  # Parquet file of labelled rows for the prompt
    only: str | None = None  # Parquet file of the ids (`row_id`) to answer, where other teachers answer the others
    store: StoreConfig
    cap: Cap = Cap()


class GenerateSpec(AskSpec):
    """One generation: every row is answered and written to `out`."""

    out: str


class ProbeSpec(AskSpec):
    """A probe before a generation: a few prompts are answered, and what would be asked in all is written to `out`."""

    prompts: int  # asked at most
    among: str | None = None  # Parquet file of the ids (`row_id`) to choose from, of all that would be asked
    test: str | None = None  # Parquet file of test rows, which a teacher over an API is measured on
    out: str


class ShardSpec(AskSpec):
    """One replica's share of a generation: its requests are answered, and nothing is written but to the store."""

    shard: int  # from 0
    num_shards: int


def tables_in(split: Path, balance: Path, routed: Path | None = None) -> dict[str, Any]:
    """Return the fields of a spec that name tables, given the folders of the artifacts they lie in."""
    return {
        "only": str(routed / "prompts.parquet") if routed else None,
        "rows": (str(balance / "train.parquet"), str(split / "validation.parquet")),
        "examples": str(split / "examples.parquet"),
    }
