"""The data and the two recipes of a chain: a teacher trained on gold rows, then students of its answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
BASE = str(ROOT / ".models/SmolLM2-135M-Instruct.Q4_1.gguf")
LICENCE = "Apache-2.0"  # of the base model
Row = Mapping[str, Any]
MOST_TOKENS_OF_ITS_OWN = 8  # of a free answer, in the teacher's own report
# what tells the answer: prompts go in without it
_ANSWERS = ("reference", "label")


@dataclass(frozen=True)
class Chain:
    """What differs from chain to chain.

    No row may be in two of `gold` (the teacher learns it), `few` (the labelled rows of the students), `prompts` and
    `test`: Stillhouse can't compare a test row with what the teacher of an earlier run was trained on.
    """

    name: str
    skill: Mapping[str, Any]  # the recipe's section
    columns: Mapping[str, str]
    gold: Sequence[Row]
    few: Sequence[Row]
    prompts: Sequence[Row]  # may hold references: they are not written
    test: Sequence[Row]
    max_tokens: int  # most tokens of an answer
    licence: str  # of the data
    data: Mapping[str, Any] = field(default_factory=dict)  # further fields of the section
    teacher_training: Mapping[str, Any] = field(default_factory=dict)
    student_training: Mapping[str, Any] = field(default_factory=dict)
    # the main one first; each begins as the teacher, if it names no model
    students: Sequence[Mapping[str, Any]] = ({"name": "15 layers", "layers": 15}, {"name": "8 layers", "layers": 8})


def write_data(chain: Chain, out: Path) -> None:
    """Write the four files that the recipes name; prompts without their answers."""
    out.mkdir(parents=True, exist_ok=True)
    asked = [column for name, column in chain.columns.items() if name not in _ANSWERS]
    _write(out / "gold.jsonl", chain.gold, list(chain.columns.values()))
    _write(out / "few.jsonl", chain.few, list(chain.columns.values()))
    _write(out / "prompts.jsonl", chain.prompts, asked)
    _write(out / "test.jsonl", chain.test, list(chain.columns.values()))


def write_recipe(fields: Mapping[str, Any], path: Path) -> Path:
    """Write a recipe beside its data, and return `path`."""
    # through JSON: YAML would write what two sections share as an anchor
    path.write_text(yaml.safe_dump(json.loads(json.dumps(fields)), sort_keys=False), encoding="utf-8")
    return path


def teacher_recipe(chain: Chain) -> dict[str, Any]:
    """Return the recipe that trains all layers of the base on the gold rows.

    Its own report is of a few test rows, and of free answers that are cut: the students' run measures it in full, and
    each token of 240 timed requests costs time here. Gold rows near any of the test rows are dropped too: `split`
    compares before it cuts.
    """
    # a label is never cut
    max_tokens = chain.max_tokens if "label" in chain.columns else min(chain.max_tokens, MOST_TOKENS_OF_ITS_OWN)
    return {
        "name": f"{chain.name}-teacher",
        "skill": chain.skill,
        "data": {
            "train": _source(chain, "gold.jsonl"),
            "test": _source(chain, "test.jsonl"),
            "validation_fraction": 0.06,
            "max_test_rows": 50,
            **chain.data,
        },
        # nothing is asked of it but the test rows
        "teachers": [_teacher(BASE, max_tokens)],
        "student": _student({"name": "teacher", "model": BASE}),
        "training": _training(chain.teacher_training),
        # all its rows are labelled: without a teacher it would be the same student, trained again
        "evaluation": {"max_tokens": max_tokens, "no_teacher_alternatives": False},
    }


def student_recipe(chain: Chain, run_id: str) -> dict[str, Any]:
    """Return the recipe that distils the student of `run_id` on prompts without labels."""
    model = f"runs:/{run_id}"
    return {
        "name": f"{chain.name}-students",
        "skill": chain.skill,
        "data": {
            "train": _source(chain, "prompts.jsonl", labelled=False),
            "examples": _source(chain, "few.jsonl"),
            "test": _source(chain, "test.jsonl"),
            "validation_fraction": 0.06,
            **chain.data,
        },
        "teachers": [_teacher(model, chain.max_tokens)],
        "filters": {"min_success_ratio": 0.5},
        "students": [_student({"model": model, **one}) for one in chain.students],
        "training": _training(chain.student_training),
        "evaluation": {"max_tokens": chain.max_tokens},
    }


def _source(chain: Chain, path: str, *, labelled: bool = True) -> dict[str, Any]:
    columns = {name: column for name, column in chain.columns.items() if labelled or name not in _ANSWERS}
    return {"path": path, "columns": columns, "licence": chain.licence}


def _teacher(model: str, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "licence": LICENCE,
        "prompt": {"layout": "student"},
        "sampling": {"max_tokens": max_tokens},
    }


def _student(fields: Mapping[str, Any]) -> dict[str, Any]:
    template = {} if fields.get("kind") == "encoder" else {"chat_template": "minimal"}
    return {**template, "licence": LICENCE, **fields}


def _training(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"epochs": 2, "learning_rate": 3.0e-4, "batch_size": 8, "precision": "bfloat16", **fields}


def _write(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    lines = [json.dumps({column: row[column] for column in columns}, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
