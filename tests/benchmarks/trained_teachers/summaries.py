"""SciTLDR's short abstracts (Apache-2.0), which are not shipped with the project, for the chain with trained teachers.

Abstracts of at most 130 words, since a step of training costs by its tokens. A test row has several
summaries, by authors and reviewers; the others keep the authors' own, which comes first.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.benchmarks.trained_teachers.recipes import Chain, Row

MOST_WORDS = 130
MOST_SUMMARY_WORDS = 26  # of the rows that are learnt
GOLD, FEW, PROMPTS = 280, 20, 200


def chain(folder: Path | None) -> Chain:
    """Return the chain of a folder with train.jsonl, dev.jsonl and test.jsonl.

    Raises:
        SystemExit: no folder is named.
    """
    if folder is None:
        raise SystemExit("summarization: name the folder with SciTLDR's train.jsonl, dev.jsonl and test.jsonl")
    test = _short(folder / "test.jsonl")
    known = {row["document"] for row in test}
    rows: list[Row] = []
    for row in sorted(_short(folder / "train.jsonl") + _short(folder / "dev.jsonl"), key=_shuffled):
        summary = row["summaries"][0]
        # the same abstract is there under another id
        if row["document"] not in known and len(summary.split()) <= MOST_SUMMARY_WORDS:
            known.add(row["document"])
            rows.append({**row, "summaries": [summary]})
    return Chain(
        name="summarization",
        skill={"kind": "summarization", "max_words": 30},
        columns={"id": "id", "text": "document", "reference": "summaries"},
        gold=rows[:GOLD],
        few=rows[GOLD : GOLD + FEW],
        prompts=rows[GOLD + FEW : GOLD + FEW + PROMPTS],
        test=test,
        max_tokens=48,
        licence="Apache-2.0",
        teacher_training={"epochs": 1, "learning_rate": 2.0e-4},
        students=({"name": "15 layers", "layers": 15},),
    )


def _short(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [row for row in rows if len(row["document"].split()) <= MOST_WORDS]


def _shuffled(row: Row) -> str:
    return hashlib.sha256(row["document"].encode()).hexdigest()
