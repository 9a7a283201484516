"""Messages with a teacher's labels, some of them wrong, and planted filters whose worth is known."""

from dataclasses import dataclass

import numpy as np

from stillhouse.evaluation.scoring import Scoring
from stillhouse.metrics.metric import Answers
from stillhouse.racing.filter_worth import LeftOut, filter_worths
from stillhouse.racing.quick_students import Lesson, answers_of_students
from stillhouse.racing.summary import FilterWorth
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("bill", "card", "loan", "rate")


@dataclass(frozen=True)
class World:
    """A teacher's rows before any filter, and validation rows with the right labels."""

    lesson: Lesson
    is_wrong: np.ndarray
    asked: list[str]
    scoring: Scoring
    rng: np.random.Generator

    @property
    def rows(self) -> int:
        return len(self.lesson.ids)

    def taught(self, dropped: np.ndarray) -> Lesson:
        """What is left of the rows."""
        kept = np.flatnonzero(~dropped)
        return Lesson(
            *([column[at] for at in kept] for column in (self.lesson.ids, self.lesson.texts, self.lesson.labels))
        )

    def answers(self, dropped: np.ndarray, draws: int) -> list[Answers]:
        lesson = self.taught(dropped)
        (found,) = answers_of_students([lesson], [self.lesson.ids], self.asked, draws=draws, seed=0)
        return found


def make_world(seed: int, rows: int = 300, asked: int = 300, wrong: float = 0.25) -> World:
    rng = np.random.default_rng(seed)
    truth, gold = rng.integers(4, size=rows), rng.integers(4, size=asked)
    is_wrong = rng.random(rows) < wrong
    said = np.where(is_wrong, (truth + rng.integers(1, 4, size=rows)) % 4, truth)
    lesson = Lesson(
        ids=[f"row{at}" for at in range(rows)],
        texts=[_message(rng, label) for label in truth],
        labels=[LABELS[label] for label in said],
    )
    settings = Evaluation(metrics=("accuracy",), resamples=500)
    scoring = Scoring([[LABELS[label]] for label in gold], LABELS, settings, Classification(labels=LABELS))
    return World(lesson, is_wrong, [_message(rng, label) for label in gold], scoring, rng)


def _message(rng: np.random.Generator, label: int) -> str:
    words = [f"{LABELS[label]}{rng.integers(10)}" if rng.random() < 0.35 else f"w{rng.integers(80)}" for _ in range(8)]
    return " ".join(words)


def useful(world: World, share: float = 0.8) -> np.ndarray:
    """What a filter drops that finds most wrong labels."""
    return world.is_wrong & (world.rng.random(world.rows) < share)


def at_random(world: World, share: float = 0.1) -> np.ndarray:
    """What a filter drops that goes by nothing."""
    return world.rng.random(world.rows) < share


def harmful(world: World, share: float = 0.8) -> np.ndarray:
    """What a filter drops that takes right labels for wrong."""
    return ~world.is_wrong & (world.rng.random(world.rows) < share)


def worths_of(world: World, filters: dict[str, np.ndarray], draws: int) -> dict[str, FilterWorth]:
    """The worth of each filter, left out of all of them."""
    drops = list(filters.values())
    everything = np.logical_or.reduce(drops)
    left_out = {}
    for name in filters:
        dropped = np.logical_or.reduce([np.zeros(world.rows, bool), *(d for one, d in filters.items() if one != name)])
        added = int(everything.sum() - dropped.sum())
        left_out[name] = LeftOut(added, world.answers(dropped, draws) if added else None)
    found = filter_worths("accuracy", world.answers(everything, draws), left_out, world.scoring, 0.01)
    return {one.name: one for one in found}
