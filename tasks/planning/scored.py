"""What the judge of a plan would be asked about the answers known, and what it has said of them by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.artifacts.store import Store
from tasks.judging.verdicts import read_score
from tasks.planning.answers import lines_of
from tasks.planning.known import Known, Took, read_known
from tasks.recipe.judge import SCORES, Judge


@dataclass(frozen=True)
class Scored:
    """The judge as a teacher: its questions are rows by the key of the answer they are about."""

    known: Known
    scores: Mapping[str, int | None]  # by the answers' keys; None where what the judge said is no score
    summary: Mapping[str, Any]

    @cached_property
    def took(self) -> Mapping[str, Took]:
        """What each score took, by the answers' keys."""
        questions = self.known.lessons
        return {answer: questions.stored[key] for answer, _, key in questions.places if key in questions.stored}

    @cached_property
    def asked_about(self) -> frozenset[str]:
        """The keys of all answers known that are no failures, and that a run has scored."""
        return frozenset(answer for answer, _, _ in self.known.lessons.places)

    def lacks(self, answer: str) -> bool:
        """Return whether a score is yet to come."""
        return answer in self.asked_about and answer not in self.took


def read_scored(folder: Path, store: Store, judge: Judge, fingerprint: str, summary: Mapping[str, Any]) -> Scored:
    """Return what the probe in `folder` found would be asked, with what `store` holds of it now.

    Raises:
        StoreError: the store can't be read.
    """
    known = read_known(folder, store, judge.asked_for(SCORES), fingerprint)
    (lines,) = lines_of([known])
    return Scored(known, {answer: read_score(said["text"]) for answer, (said,) in lines.items()}, summary)
