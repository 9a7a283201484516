"""The specs of the generation workers; read in both environments."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.store import StoreConfig
from stillhouse.config import StrictModel
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import AnySkill


class AskSpec(StrictModel):
    """The rows, the teacher, and the store of completions."""

    schema_version: int = 1
    model_path: str
    teacher: Teacher
    teacher_fingerprint: str
    skill: AnySkill
    labels: tuple[str, ...]
    rows: tuple[str, ...]  # Parquet files of the prompts' rows, in this order
    skip_labelled: bool  # rows with a reference are trained on it and need no completion
    check_labels: bool = False  # labelled rows are prompts too, those of `examples` included, to find wrong labels
    examples: str | None  # Parquet file of labelled rows for the prompt
    only: str | None = None  # Parquet file of this teacher's row ids (`row_id`); None: all rows
    store: StoreConfig
    budget: BudgetScope = BudgetScope()
    refusal: str = ""  # why no engine may start here

    @property
    def endpoint(self) -> Endpoint:
        """The teacher's endpoint, for the workers of a teacher that has one."""
        assert self.teacher.endpoint is not None
        return self.teacher.endpoint


class GenerateSpec(AskSpec):
    """One generation: every row gets its completions, in a table in the folder `out`."""

    out: str


class ProbeSpec(AskSpec):
    """A probe before a generation: a few prompts are sent, and all requests of a run are listed in the folder `out`."""

    prompts: int  # sent at most
    among: str | None = None  # Parquet file of the row ids (`row_id`) to choose from; None: all rows
    test: str | None = None  # Parquet file of test rows, on which a teacher over an API is evaluated
    out: str


class ShardSpec(AskSpec):
    """One replica's shard of a generation: its completions go to the store alone."""

    shard: int  # from 0
    num_shards: int


class DrawSpec(AskSpec):
    """Tokens drawn at each position of a teacher's stored completions, into a file in the folder `out`."""

    draws: int  # a position
    temperature: float = 1.0  # of the distribution that is drawn from
    out: str


def write_row_ids(ids: Sequence[str], folder: Path) -> None:
    """Write prompts.parquet into `folder`, one line an id, in order."""
    pq.write_table(pa.table({"row_id": pa.array(ids, pa.string())}), folder / "prompts.parquet")


def read_row_ids(path: str | Path) -> set[str]:
    """Return the ids that the file at `path` names."""
    return set(pq.read_table(path)["row_id"].to_pylist())
