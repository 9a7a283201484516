"""What a sweep's trials are made of: the rows, the models, and the training examples of one recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.ledger import total
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.checks.sweep import sweep_of
from stillhouse.recipe.recipe import Recipe
from tasks.balance import Rows
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase

_VERSION = 1  # one more when trials stored before can't be compared with those of now
# what of the section may change while its trials stay what they are
_NOT_OF_TRIALS = {"trials", "constraints", "budget"}


@dataclass(frozen=True)
class Prepared:
    """All that is there before a student is trained."""

    rows: Rows
    teachers: Sequence[Checkpoint]
    bases: Sequence[StudentBase]  # the main one first
    dataset: Built[FilterSummary]


def study_key(recipe: Recipe, data: Prepared) -> str:
    """Return what names the trials of a sweep in the store: all that decides what one of them reaches.

    It holds what files contain and not where they lie, so another machine finds the same trials.
    """
    sweep, main = sweep_of(recipe), data.bases[0]
    decides: dict[str, Any] = {
        "sweep": sweep.model_dump(mode="json", exclude=_NOT_OF_TRIALS),
        "training": recipe.training_of(main.config),
        "student": main.config.model_copy(update={"model": ""}),
        "base": main.checkpoint.identity,
        "evaluation": recipe.evaluation,
    }
    inputs: dict[str, ArtifactRef] = {"dataset": data.dataset.ref, "split": data.rows.splits.ref}
    return fingerprint("sweep", _VERSION, decides, inputs)


def requests_of(run: Run) -> tuple[int, float | None]:
    """Return how many requests a run sent to teacher and judge, and what they cost; None if no price is known."""
    paid = [line for line in run.ledger if line.from_store is not None]
    return sum(line.run.requests or 0 for line in paid), total(line.run_usd for line in paid)
