"""The teacher that a run's students are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.recipe import Recipe


@dataclass(frozen=True)
class ComparedTeacher:
    """A teacher with its answers to the test rows, where it has given them already."""

    recipe: Recipe  # names the teacher
    checkpoint: Checkpoint
    answered: Built[GenerationSummary] | None  # None: it is asked together with the students
    qualities: Mapping[str, float] = field(default_factory=dict)  # of all teachers by name, if this one is their best
