"""The pipeline on ten intents of banking77 (CC BY 4.0), which is not shipped with the project.

    python tests/benchmarks/banking77.py FOLDER_WITH_train.jsonl_AND_test.jsonl

Writes the data and the recipe under .stillhouse/banking77 and runs it. Six labelled rows an intent are chosen by the
hash of their text, the other training rows of the ten intents go in without labels, and all their test rows are gold.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / ".stillhouse" / "banking77"
INTENTS = (
    "activate_my_card",
    "age_limit",
    "atm_support",
    "cancel_transfer",
    "card_arrival",
    "change_pin",
    "exchange_rate",
    "lost_or_stolen_card",
    "terminate_account",
    "top_up_failed",
)
LABELLED_AN_INTENT = 6
MOST_UNLABELLED = 700


def main() -> None:
    """Write the recipe and run it."""
    source = Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    train = sorted(read(source / "train.jsonl"), key=lambda row: hashlib.sha256(row["text"].encode()).hexdigest())
    labelled = [row for intent in INTENTS for row in of(train, intent)[:LABELLED_AN_INTENT]]
    taken = {row["id"] for row in labelled}
    write("labelled.jsonl", labelled, ("id", "text", "label"))
    write("messages.jsonl", [row for row in train if row["id"] not in taken][:MOST_UNLABELLED], ("id", "text"))
    write("test.jsonl", read(source / "test.jsonl"), ("id", "text", "label"))
    (OUT / "recipe.yaml").write_text(yaml.safe_dump(recipe(), sort_keys=False))
    subprocess.run([sys.executable, "-m", "deployments.cli", "run", str(OUT / "recipe.yaml")], cwd=ROOT, check=True)


def recipe() -> dict[str, object]:
    """Return the demo's recipe with this data and a prompt of retrieved examples."""
    fields: dict[str, object] = yaml.safe_load((ROOT / "deployments/recipes/demo.yaml").read_text())
    model = str(ROOT / ".models/SmolLM2-135M-Instruct.Q4_1.gguf")
    labelled = {"id": "id", "text": "text", "label": "label"}
    fields["name"] = "banking77-ten-intents"
    fields["students"] = fields["students"][:1]
    fields["skill"] = {"kind": "classification", "labels": list(INTENTS)}
    fields["data"] = {
        "train": {"path": "messages.jsonl", "columns": {"id": "id", "text": "text"}, "licence": "CC-BY-4.0"},
        "examples": {"path": "labelled.jsonl", "columns": labelled, "licence": "CC-BY-4.0"},
        "test": {"path": "test.jsonl", "columns": labelled, "licence": "CC-BY-4.0"},
        "validation_fraction": 0.08,
    }
    fields["teachers"] = [
        {
            "model": model,
            "licence": "Apache-2.0",
            "prompt": {
                "layout": "text",
                "system": "Questions of a bank's customers and their intents.",
                "output_name": "Intent",
                "examples": 8,
                "selection": "nearest",
            },
            "sampling": {"max_tokens": 16},
        }
    ]
    fields["filters"] = {"min_success_ratio": 0.5}
    fields["student"] = {**fields["student"], "model": model}  # type: ignore[dict-item]
    fields["evaluation"] = {"max_tokens": 16}
    return fields


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of the ten intents."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [row for row in rows if row["label"] in INTENTS]


def of(rows: list[dict[str, str]], intent: str) -> list[dict[str, str]]:
    """Return the rows of one intent."""
    return [row for row in rows if row["label"] == intent]


def write(name: str, rows: list[dict[str, str]], columns: tuple[str, ...]) -> None:
    """Write some columns of the rows."""
    lines = [json.dumps({column: row[column] for column in columns}, ensure_ascii=False) for row in rows]
    (OUT / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
