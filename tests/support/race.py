"""A race between scripted teachers: messages whose label their words tell, so that a student can learn it."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.support.two_teachers import LABELS, TwoTeachers, number_of

_FILLERS = [f"word{at}" for at in range(60)]


def messages(kind: str, count: int) -> list[str]:
    """Texts of eight words, of which two tell the label; no two are alike."""
    rng = random.Random(kind)
    found = []
    for at in range(count):
        label = LABELS[rng.randrange(3)]
        words = [f"{label}{rng.randrange(8)}" for _ in range(2)] + rng.sample(_FILLERS, 6)
        rng.shuffle(words)
        found.append(" ".join([*words, f"{kind}{at}"]))
    return found


def label_of(message: str) -> str:
    return next(label for label in LABELS if any(word.startswith(label) for word in message.split()))


def wrong_on(share: float) -> Callable[[str], str]:
    """A teacher that gives another label than the right one on that share of messages."""

    def says(message: str) -> str:
        right = LABELS.index(label_of(message))
        is_wrong = number_of(message) % 100 < 100 * share
        return LABELS[(right + 1 + number_of(message) // 100 % 2) % 3] if is_wrong else LABELS[right]

    return says


def race_recipe(
    teachers: TwoTeachers, folder: Path, race: dict[str, Any], *names: str, gold_rows: bool = False, **parts: Any
) -> str:
    """Write a recipe of a race with the teachers named; 240 messages and 150 labelled validation rows."""
    path = Path(teachers.recipe(*names, gold_rows=gold_rows, **parts))
    fields: dict[str, Any] = yaml.safe_load(path.read_text())
    for name, count in {"messages": 240, "labelled": 9, "test": 40, "validation": 150}.items():
        rows = [
            {"id": f"{name}{at}", "message": text}
            | ({} if name == "messages" and not gold_rows else {"intent": label_of(text)})
            for at, text in enumerate(messages(name, count))
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"id": "id", "text": "message"}
    fields["data"] = {
        "train": {"path": "messages.jsonl", "columns": columns | ({"label": "intent"} if gold_rows else {})},
        **{
            role: {"path": f"{name}.jsonl", "columns": columns | {"label": "intent"}}
            for role, name in {"examples": "labelled", "test": "test", "validation": "validation"}.items()
        },
        "near_duplicate_similarity": None,
        "test_similarity": None,
    }
    fields["evaluation"] = {"resamples": 300, "encoder": None, "engine": fields["evaluation"]["engine"]}
    fields["race"] = race
    path.write_text(yaml.safe_dump(fields))
    return str(path)
