"""Shows which rows of public data sets validate and split drop, and for which other row.

Run: .venv/control/bin/python tests/benchmarks/leaks.py FOLDER [--list 20], where FOLDER holds intent_banking77,
nli_sick, conversation_sgd and math_gsm8k, each with a JSONL file of training and one of test rows. All have the
default settings, pairs those of the shipped recipe nli.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[2]))

from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.validate import validate
from stillhouse.recipe.data import Columns, Data, Source
from stillhouse.skills.classification import Classification
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.math import Math
from stillhouse.skills.nli import Nli
from stillhouse.skills.skill import Skill


class PublicSet(NamedTuple):
    """A public data set: its folder, files and skill."""

    folder: str
    train: str
    test: str
    skill: Skill
    columns: Columns
    rules: Mapping[str, Any] = MappingProxyType({})


SETS = (
    PublicSet(
        "intent_banking77",
        "train.jsonl",
        "test.jsonl",
        Classification(kind="classification"),
        Columns(id="id", text="text", label="label"),
    ),
    PublicSet(
        "nli_sick",
        "train.jsonl",
        "test.jsonl",
        Nli(kind="nli"),
        Columns(id="id", premise="premise", hypothesis="hypothesis", label="label"),
        {"near_duplicate_similarity": None, "test_similarity": 1.0},
    ),
    PublicSet(
        "conversation_sgd",
        "train_part.jsonl",
        "dev.jsonl",
        Conversation(kind="conversation"),
        Columns(id="id", messages="messages"),
    ),
    PublicSet(
        "math_gsm8k",
        "train.jsonl",
        "test.jsonl",
        Math(kind="math"),
        Columns(id="id", text="question", reference="final_answer"),
    ),
)


def show(public: PublicSet, folder: Path, num_listed: int) -> None:
    """Print the counts of both stages, and the rows that were dropped."""
    paths = {"train": folder / public.folder / public.train, "test": folder / public.folder / public.test}
    sources = {role: Source(path=str(path), columns=public.columns) for role, path in paths.items()}
    data = Data(train=sources["train"], test=sources["test"], validation_fraction=0.0, **public.rules)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        for role, source in sources.items():
            read(source, resolve(source), role, out / role, is_dialogue=public.skill.is_dialogue)  # type: ignore[arg-type]
        valid = validate({role: out / role for role in sources}, data, public.skill, out / "validate")
        parts = split(out / "validate", data, True, out / "split")
        print(f"{public.folder}: {valid.num_in} rows, validated {valid.kept}, dropped {valid.dropped}")
        print(f"  split: train {parts.train}, test {parts.test}, dropped {parts.dropped}, still near {parts.near_test}")
        for stage in ("validate", "split"):
            rows = pq.read_table(out / stage / "dropped.parquet").to_pylist()
            seen = Counter[str]()
            for row in rows:
                seen[row["reason"]] += 1
                if seen[row["reason"]] <= num_listed:
                    text = " ".join(turn["content"] for turn in row["messages"])
                    print(f"  {stage} {row['reason']} {row['id']} {text[:160]!r}\n      {row['detail']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", type=int, default=20, help="most rows listed of each reason")
    parser.add_argument("--sets", nargs="+", default=[public.folder for public in SETS])
    arguments = parser.parse_args()
    for public in SETS:
        if public.folder in arguments.sets:
            show(public, arguments.folder, arguments.list)


if __name__ == "__main__":
    main()
