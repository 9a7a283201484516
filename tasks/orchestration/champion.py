"""The champion of the recipe's name beside the students of a run: what it is, and whether it is one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.recipe import Recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import RegisteredModel, StudentModel


@dataclass(frozen=True)
class Champion:
    """The version that `champion` names as a run measures its students."""

    version: ModelVersion | None = None  # None: the model has none yet
    same_as: ModelRole | None = None  # the student of this run that it is, which is measured anyway
    why_not: str = ""  # why it is not measured

    @property
    def models(self) -> list[RegisteredModel]:
        """The champion as a model to measure; none where it is measured anyway, or can't be."""
        if self.version is None or self.same_as or self.why_not:
            return []
        return [RegisteredModel(ModelRole.CHAMPION, self.version.student, is_encoder=self.version.kind == "encoder")]

    @property
    def not_measured(self) -> dict[str, str]:
        """Why the champion was not measured, by its role; empty without a champion."""
        return {ModelRole.CHAMPION: self.why_not} if self.why_not else {}


def find_champion(run: Run, students: Sequence[StudentModel]) -> Champion:
    """Return the champion of the recipe's name; it may be one of the run's own students.

    Raises:
        StoreError: the registry can't be read.
    """
    version = ModelRegistry(run.store).champion(run.recipe.name)
    if version is None:
        return Champion()
    same_as = next((one.role for one in students if one.ref == version.student), None)
    if same_as:
        return Champion(version, same_as)
    is_there = run.store.find(version.student.stage, version.student.fingerprint) is not None
    return Champion(version, None, _why_not(version, run.recipe, is_there=is_there))


def _why_not(version: ModelVersion, recipe: Recipe, *, is_there: bool) -> str:
    """Return why a champion can't answer the test rows; empty if it can."""
    skill = (version.recipe.get("skill") or {}).get("kind")
    if skill != recipe.skill.kind:
        return f"{version.reference} was trained for the skill {skill}"
    return "" if is_there else f"the store lacks the weights of {version.reference}, or they are damaged"
