"""Names the commits of a recipe's hub models before anything is made of them: all stages and machines load the same."""

from typing import Any, TypeVar

from stillhouse.artifacts.files import FileStore
from stillhouse.inference.hub_pins import pinned_commit
from stillhouse.inference.models import is_hub_name
from stillhouse.recipe.encoder import Encoder
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.recipe.teacher import ServedModel, Teacher

M = TypeVar("M", Teacher, Judge, Student, Encoder)


def with_commits(recipe: Recipe, store: FileStore, *, is_plan: bool = False) -> Recipe:
    """Return the recipe with a commit as the revision of each model that a hub holds; nothing else changes.

    A plan loads no student and no encoder: theirs are left as they are, and the hub is not asked.

    Raises:
        ModelError: the hub does not say which commit a branch or tag is.
        StoreError: the store can't be read or written.
    """
    named: dict[str, Any] = {"teachers": tuple(_with_commit(one, store) for one in recipe.teachers)}
    if recipe.judge:
        named["judge"] = _with_commit(recipe.judge, store)
    if is_plan:
        return recipe.model_copy(update=named)
    if recipe.student:
        named["student"] = _with_commit(recipe.student, store)
    if recipe.students:
        named["students"] = tuple(_with_commit(one, store) for one in recipe.students)
    evaluation = recipe.evaluation
    if evaluation.encoder and recipe.uses_encoder:
        encoder = _with_commit(evaluation.encoder, store)
        named["evaluation"] = evaluation.model_copy(update={"encoder": encoder})
    return recipe.model_copy(update=named)


def _with_commit(model: M, store: FileStore) -> M:
    if (isinstance(model, ServedModel) and model.endpoint) or not is_hub_name(model.model):
        return model
    return model.model_copy(update={"revision": pinned_commit(store, model.model, model.revision)})
