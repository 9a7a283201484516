"""The students of a round: trained on what each contestant has to teach, and asked the validation rows."""

from collections.abc import Sequence

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from stillhouse.metrics.metric import Answers
from stillhouse.racing.answers import read_answers
from tasks.orchestration.run import Run
from tasks.race_slice import SliceRows
from tasks.race_students import train_quick_students
from tasks.racing.contest import Contest
from tasks.racing.own_students import train_own_students

Lessons = Sequence[tuple[SliceRows, Built[FilterSummary]]]


def answers_of(run: Run, contest: Contest, lessons: Lessons, label: str) -> list[list[Answers]]:
    """Return what the students of each contestant answer: [contestants][draws][validation rows]."""
    learner, seed = contest.learner, contest.race.seed
    if learner.kind == "own":
        return [train_own_students(run, *lesson, learner.draws, seed, label) for lesson in lessons]
    built = train_quick_students(run, lessons, learner.encoder, learner.draws, seed, label)
    return read_answers(run.store.fetch(built.ref))
