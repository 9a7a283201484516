"""Datasets built from a handful of rows and completions."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.table import ANSWER_SCHEMA, MIXED_SCHEMA
from stillhouse.data.turns import write_rows
from stillhouse.dataset.build import write_dataset
from stillhouse.dataset.spec import DatasetSpec
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification
from tests.support.builders import make_completion_line

LABELS = ("car", "pet")
SKILL = Classification(labels=LABELS)


def build_dataset(folder: Path, *, train=(), validation=(), examples=(), answers=(), **options):
    tables = {"train": train, "validation": validation, "examples": examples}
    for name, rows in tables.items():
        write_rows(folder / f"{name}.parquet", list(rows))
    is_mixed = any("teacher_number" in line for line in answers)
    schema = MIXED_SCHEMA if is_mixed else ANSWER_SCHEMA
    pq.write_table(pa.Table.from_pylist(list(answers), schema=schema), folder / "answers.parquet")
    out = folder / "out"
    out.mkdir()
    first, *others = options.pop("calibrations", ("none",))
    opinions = options.pop("opinions", {})
    stored = {"store": options.pop("store", None), "draws": options.pop("draws", ())}
    defaults = {"filters": Filters(), "use_references": True}
    defaults |= {"skill": SKILL, "labels": LABELS}
    spec = DatasetSpec(calibration=first, other_calibrations=tuple(others), **defaults | options)
    paths = {"train": folder / "train.parquet", "split": folder, "completions": folder / "answers.parquet"}
    summary = write_dataset(spec, **paths, out=out, opinions=opinions, **stored)
    lines = {path.stem: [json.loads(line) for line in path.open()] for path in out.glob("*.jsonl")}
    taught = {
        name: {line["id"]: line["completion"][0]["content"] for line in lines[name]}
        for name in ("train", "validation", "labelled")
    }
    return summary, taught, lines


def label_scores(*shares: float) -> list[float]:
    """Log-probabilities of labels that stand to each other as `shares` do, shifted as logits may be."""
    return [math.log(share) - 3.0 for share in shares]


def make_rollouts(name: str, *texts: str, scores: list[float] | None = None, **fields: Any) -> list[dict[str, Any]]:
    return [make_completion_line(name, text, scores, sample_index=n, **fields) for n, text in enumerate(texts)]
