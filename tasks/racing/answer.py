"""The students of a round: trained on what each contestant has to teach, and asked the validation rows."""

from collections.abc import Sequence

from stillhouse.metrics.metric import Answers
from stillhouse.racing.answers import read_answers
from tasks.orchestration.run import Run
from tasks.race_students import train_quick_students
from tasks.racing.contest import Contest
from tasks.racing.own_students import train_own_students
from tasks.racing.teach import Taught


def answers_of(run: Run, contest: Contest, lessons: Sequence[Taught], label: str) -> list[list[Answers]]:
    """Return what the students of each contestant answer: [contestants][draws][validation rows]."""
    learner, seed = contest.learner, contest.race.seed
    if learner.kind == "own":
        return [train_own_students(run, lesson, learner.draws, seed, label) for lesson in lessons]
    given = [(lesson.rows, lesson.dataset) for lesson in lessons]
    built = train_quick_students(run, given, learner.encoder, learner.draws, seed, label)
    return read_answers(run.store.fetch(built.ref))
