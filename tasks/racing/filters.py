"""Measures what each filter of the winner is worth to a student, on the prompts that it was taught with."""

from stillhouse.racing.filter_worth import LeftOut, filter_worths
from stillhouse.racing.summary import FilterWorth
from tasks.orchestration.run import Run
from tasks.racing.answer import answers_of
from tasks.racing.contest import Contest
from tasks.racing.rounds import Outcome
from tasks.racing.teach import leave_out


def measure_filters(run: Run, contest: Contest, outcome: Outcome) -> list[FilterWorth]:
    """Return the worth of each filter of the winner; nobody is asked anything, and no student is trained in vain."""
    lesson, names = outcome.lesson, contest.tested_of(outcome.winner)
    datasets = {name: leave_out(run, lesson, name) for name in names}
    learnt = run.store.path(lesson.dataset.ref, "train.jsonl").read_bytes()
    changing = [name for name, one in datasets.items() if run.store.path(one.ref, "train.jsonl").read_bytes() != learnt]
    given = [lesson.taught._replace(dataset=datasets[name]) for name in changing]
    answers = answers_of(run, contest, given, "race_students filters") if changing else []
    by_name = dict(zip(changing, answers, strict=True))
    kept = lesson.dataset.summary.rows.train
    left_out = {name: LeftOut(one.summary.rows.train - kept, by_name.get(name)) for name, one in datasets.items()}
    metric = run.recipe.evaluation.metrics[0]
    return filter_worths(metric, outcome.answers, left_out, outcome.scoring, contest.race.matters)
