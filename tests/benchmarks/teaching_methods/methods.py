"""The methods that are compared, and the recipe of one of them."""

from copy import deepcopy
from typing import Any, NamedTuple

# fields of a student's `training` beside the recipe's own
METHODS: dict[str, dict[str, Any]] = {
    "text": {"kind": "sft", "soft_labels": None},
    "soft_labels": {"kind": "sft", "soft_labels": {"weight": 0.5, "temperature": 2.0}},
    "logits": {"kind": "logits"},
    "hidden_states": {"kind": "hidden_states"},
    "attention": {"kind": "attention"},
    "on_policy": {"kind": "on_policy"},
}


class Cell(NamedTuple):
    """A method and how many layers its student keeps."""

    method: str
    layers: int

    @property
    def name(self) -> str:
        """As a file may be called."""
        return f"{self.method.replace('_', '-')}-{self.layers}"


def recipe_of(fields: dict[str, Any], cell: Cell, seeds: tuple[int, ...], steps: int) -> dict[str, Any]:
    """Return the recipe with its first student alone, trained once a seed for `steps` by the cell's method."""
    made = deepcopy(fields)
    student = made["students"][0] if made.get("students") else made["student"]
    made.pop("student", None)
    made.pop("gate", None)
    made.pop("export", None)
    own = student.get("training", {}) | METHODS[cell.method] | {"max_steps": steps, "evaluate_every": steps}
    made["name"] = f"{made['name']}-{cell.name}"
    made["students"] = [
        student | {"name": f"seed {seed}", "layers": cell.layers, "training": own | {"seed": seed}} for seed in seeds
    ]
    made["evaluation"] = made.get("evaluation", {}) | {"no_teacher_alternatives": False}
    return made
