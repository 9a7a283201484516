"""Keeps each model's answers to the test rows as an artifact of its own: another student asks no other model again."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillhouse.artifacts.fingerprint import fingerprint, sha256_json
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.config import identity
from stillhouse.data.row import Row
from stillhouse.skills.registry import AnySkill
from tasks.orchestration.params import IfSet, Params

STAGE, VERSION = "answers", 1


class AnswersParams(Params):
    """All that decides one model's answers to the test rows, and what they take."""

    weights: Any  # the identity of the model's files; None for a student, which is an input
    served: dict[str, Any]  # number type, chat template, form of its prompts
    teacher: IfSet[tuple[Any, ...]] = ()  # what else decides a teacher's prompts and answers
    skill: AnySkill
    labels: tuple[str, ...]
    settings: dict[str, Any]  # of the evaluation and its engine
    rows: str  # the test rows, as `rows_identity` has them
    validation: IfSet[str] = ""  # the same of the validation rows, if the model answers them


@dataclass(frozen=True)
class ModelAnswers:
    """One model's answers to the test rows, made or not."""

    params: AnswersParams
    inputs: dict[str, ArtifactRef]  # `model`: the student that answers

    @property
    def ref(self) -> ArtifactRef:
        """The artifact that they are."""
        return ArtifactRef(stage=STAGE, fingerprint=fingerprint(STAGE, VERSION, identity(self.params), self.inputs))

    def fetch(self, store: Store, target: Path) -> bool:
        """Copy them to `target`, if the store has them whole; return whether it has."""
        if store.find(STAGE, self.ref.fingerprint) is None:
            return False
        shutil.copytree(store.fetch(self.ref), target)
        return True

    def keep(self, store: Store, folder: Path) -> None:
        """Store the files of `folder` as these answers."""
        with store.workspace(STAGE, VERSION, self.ref.fingerprint, identity(self.params), self.inputs) as work:
            shutil.copytree(folder, work.folder, dirs_exist_ok=True)
            work.commit({})


def rows_identity(rows: Sequence[Row], *, with_references: bool = False) -> str:
    """Return a hash of what a model may be shown of `rows`, in their order.

    It says more than the artifact that holds them: other training rows make another split with the same test rows.
    """
    return sha256_json([[row["id"], row["messages"], row["references"] if with_references else []] for row in rows])
