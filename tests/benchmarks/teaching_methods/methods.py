"""The methods that are compared, and what a recipe has for one of them."""

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


def changes_of(fields: dict[str, Any], cell: Cell, seed: int, steps: int) -> dict[str, Any]:
    """Return the recipe's fields with its first student alone, taught by the cell's method for `steps`."""
    student = fields["students"][0] if fields.get("students") else fields["student"]
    own = METHODS[cell.method] | {"max_steps": steps, "evaluate_every": steps, "seed": seed}
    alone = student | {"layers": cell.layers, "training": student.get("training", {}) | own}
    return {"students": [alone], "student": None, "gate.rules": [], "export": []}
