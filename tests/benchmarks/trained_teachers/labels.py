"""Public data with labels for the chains with trained teachers: all of banking77's intents, and SICK's pairs.

Which row is in which part is decided by the hash of its text. SICK (CC BY-NC-SA 3.0) is for testing only.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.trained_teachers.recipes import LICENCE, ROOT, Chain

TEST_ROWS = 400
_ENCODER = {
    "kind": "encoder",
    "model": str(ROOT / ".models/all-MiniLM-L6-v2"),
    "licence": LICENCE,
    "training": {"precision": "float32", "batch_size": 16},
}
LINEAR = {"name": "encoder, linear", **_ENCODER, "encoder": {"method": "linear"}}
FINE_TUNED = {"name": "encoder, fine-tuned", **_ENCODER}
STUDENTS = ({"name": "15 layers", "layers": 15}, {"name": "8 layers", "layers": 8}, LINEAR, FINE_TUNED)
Row = dict[str, Any]


def banking77(folder: Path | None) -> Chain:
    """Return the chain of all 77 intents; `folder` holds train.jsonl and test.jsonl."""
    train, test = read_parts(folder, ["text"])
    gold, few, prompts = cut(train, gold=2500, few=2, prompts=1500)
    return Chain(
        name="banking77",
        # named, since 2,500 rows by hash need not hold all
        skill={"kind": "classification", "labels": sorted({row["label"] for row in train})},
        columns={"id": "id", "text": "text", "label": "label"},
        gold=gold,
        few=few,
        prompts=prompts,
        test=test[:TEST_ROWS],
        max_tokens=18,  # the longest label has as many
        licence="CC-BY-4.0",
        teacher_training={"learning_rate": 2.0e-4},
        students=STUDENTS,
    )


def sick(folder: Path | None) -> Chain:
    """Return the chain of sentence pairs; `folder` holds train.jsonl and test.jsonl."""
    train, test = read_parts(folder, ["premise", "hypothesis"])
    gold, few, prompts = cut(train, gold=1500, few=20, prompts=1200)
    return Chain(
        name="sick",
        skill={"kind": "nli"},
        columns={"id": "id", "premise": "premise", "hypothesis": "hypothesis", "label": "label"},
        gold=gold,
        few=few,
        prompts=prompts,
        test=test[:TEST_ROWS],
        max_tokens=16,
        licence="CC-BY-NC-SA-3.0",
        # one word more makes another pair; a test pair with its sides exchanged is a leak
        data={"near_duplicate_similarity": None, "test_similarity": 1.0},
        teacher_training={"learning_rate": 2.0e-4},
        students=STUDENTS,
    )


def read_parts(folder: Path | None, inputs: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Return the training and the test rows, each ordered by the hash of the columns `inputs`."""
    assert folder, "name the folder with train.jsonl and test.jsonl"

    def place(row: Mapping[str, Any]) -> str:
        return hashlib.sha256(json.dumps([row[column] for column in inputs]).encode()).hexdigest()

    files = [(folder / name).read_text(encoding="utf-8").split("\n") for name in ("train.jsonl", "test.jsonl")]
    train, test = (sorted((json.loads(line) for line in lines if line), key=place) for lines in files)
    return train, test


def cut(rows: Sequence[Row], *, gold: int, few: int, prompts: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return `gold` rows, then `few` of each label, then `prompts` rows, none in two of them."""
    after = rows[gold:]
    labelled = first_of_each_label(after, few)
    taken = {row["id"] for row in labelled}
    return list(rows[:gold]), labelled, [row for row in after if row["id"] not in taken][:prompts]


def first_of_each_label(rows: Iterable[Row], number: int) -> list[Row]:
    """Return the first `number` rows of each label."""
    met: Counter[str] = Counter()
    found = []
    for row in rows:
        met[row["label"]] += 1
        if met[row["label"]] <= number:
            found.append(row)
    return found
