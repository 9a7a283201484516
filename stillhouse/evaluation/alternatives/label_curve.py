"""The file of a learning curve without a teacher: what each learner answers after each draw of labelled rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.handle import StageSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.metrics.metric import Answers

CURVE_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("most_a_class", pa.int32()),
        ("labels", pa.int32()),
        ("order", pa.int32()),
        ("answers", pa.list_(pa.string())),
    ]
)
_FILE = "label_curve.parquet"


class LabelCurveSummary(StageSummary):
    """The labelled rows and their classes, and why there is no curve."""

    labelled: int
    classes: tuple[str, ...]  # the labels that some row has
    rows: int  # that the draws are made of
    not_measured: str = ""


class LabelCurve(NamedTuple):
    """A line for each draw and learner, and how many labelled rows they were drawn from."""

    lines: list[dict[str, Any]]
    rows: int


@dataclass(frozen=True)
class Drawn:
    """What one learner answers after one draw; `answers` are in the order of the test rows."""

    model: ModelRole
    most_a_class: int
    labels: int
    order: int
    answers: Answers


def write_curve(out: Path, curve: LabelCurve) -> None:
    """Write label_curve.parquet into `out`."""
    pq.write_table(pa.Table.from_pylist(curve.lines, schema=CURVE_SCHEMA), out / _FILE, compression="zstd")


def read_curve(folder: Path) -> list[Drawn]:
    """Return the draws of a label_curve.parquet."""
    lines = pq.read_table(folder / _FILE).to_pylist()
    return [Drawn(**{**line, "model": ModelRole(line["model"])}) for line in lines]
