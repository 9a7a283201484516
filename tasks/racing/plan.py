"""What a race will ask, at most, before it asks anything."""

import logging
from collections.abc import Iterator

from stillhouse.racing.schedule import plan_lines
from tasks.balance import Rows
from tasks.convert import load_student_bases, load_teachers
from tasks.orchestration.compatibility import check_compatibility
from tasks.orchestration.run import Run
from tasks.probe import list_requests
from tasks.race_slice import draw_slice
from tasks.racing.contest import Contest

log = logging.getLogger("stillhouse")


def check_own_student(run: Run, contest: Contest) -> None:
    """Return if the recipe's student, where it is what races, can learn from every contestant's teachers.

    Raises:
        ModelError: it can't.
    """
    if contest.learner.kind != "own":
        return
    for recipe in contest.recipes.values():
        own = run.with_recipe(recipe)
        check_compatibility(own, load_student_bases(own)[:1], load_teachers(own))


def plan_race(run: Run, contest: Contest, rows: Rows) -> list[str]:
    """Return the plan of a race, a line each, and show it in the log.

    Raises:
        DataError: too few validation rows have a reference, or no prompt is there to ask.
    """
    race = contest.race
    drawn = draw_slice(run, rows, race.prompts, race.seed).drawn.summary
    lines = [
        f"contestants: {', '.join(contest.recipes)}",
        f"student: {contest.learner.words}, {contest.learner.draws} a contestant and round, on {drawn.gold:,} "
        "validation rows with references",
        *plan_lines(race, contest.recipes, contest.tested, drawn.available),
        *_stored_lines(run, contest, rows),
    ]
    for line in lines:
        log.info("race: %s", line)
    return lines


def _stored_lines(run: Run, contest: Contest, rows: Rows) -> Iterator[str]:
    """Yield how many of each contestant's requests for the last round the store holds, where they can be listed.

    They can if every teacher is behind an endpoint and is asked every prompt.
    """
    for name, recipe in contest.recipes.items():
        if recipe.routing.kind != "all" or not all(teacher.endpoint for teacher in recipe.teachers):
            continue
        own = run.with_recipe(recipe)
        drawn = draw_slice(own, rows, contest.race.prompts, contest.race.seed)
        prompts = [prompt for listed in list_requests(own, drawn) for prompt in listed.prompts]
        total, missing = sum(len(one.keys) for one in prompts), sum(one.num_missing for one in prompts)
        yield f"of {name}'s {total:,} requests for the last round the store holds {total - missing:,}"
