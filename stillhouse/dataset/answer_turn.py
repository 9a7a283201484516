"""The turn that a student learns to write, from a training example."""

from typing import Any

from stillhouse.data.tool_calls import as_turn
from stillhouse.dataset.example import TrainingExample
from stillhouse.dataset.spec import DatasetSpec


def answer_turn(example: TrainingExample, spec: DatasetSpec) -> dict[str, Any]:
    """Return the turn that a student learns to write; a dialogue's calls of tools stand apart from its text."""
    target = example.target
    turn = as_turn(target) if spec.skill.is_dialogue else {"role": "assistant", "content": target}
    return turn | {"reasoning": example.reasoning} if spec.reasoning != "drop" and example.reasoning else turn
