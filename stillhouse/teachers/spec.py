"""The specs of the generation workers; read in both environments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from stillhouse.artifacts.store import StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import AnySkill


class AskSpec(BaseModel):
    """Which rows, which teacher, and which store keeps the answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    model_path: str
    teacher: Teacher
    teacher_fingerprint: str
    skill: AnySkill
    labels: tuple[str, ...]
    rows: tuple[str, ...]  # Parquet files of rows to answer, in this order
    skip_labelled: bool  # rows with a reference are trained on it and need no answer
    check_labels: bool = False  # all labelled rows are answered, those of `examples` too, to be compared with it
    examples: str | None  # Parquet file of labelled rows for the prompt
    only: str | None = None  # Parquet file of the ids (`row_id`) to answer, where other teachers answer the others
    store: StoreConfig
    cap: BudgetScope = BudgetScope()

    @property
    def endpoint(self) -> Endpoint:
        """The teacher's endpoint, for the workers of a teacher that has one."""
        assert self.teacher.endpoint is not None
        return self.teacher.endpoint


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


def write_row_ids(ids: Sequence[str], folder: Path) -> None:
    """Write prompts.parquet into `folder`, one line an id, in order."""
    pq.write_table(pa.table({"row_id": pa.array(ids, pa.string())}), folder / "prompts.parquet")


def read_row_ids(path: str | Path) -> set[str]:
    """Return the ids that the file at `path` names."""
    return set(pq.read_table(path)["row_id"].to_pylist())
