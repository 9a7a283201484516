"""What a race will ask, at most, before it asks anything."""

import logging

from stillhouse.racing.schedule import plan_lines
from tasks.balance import Rows
from tasks.orchestration.run import Run
from tasks.race_slice import draw_slice
from tasks.racing.contest import Contest

log = logging.getLogger("stillhouse")


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
    ]
    for line in lines:
        log.info("race: %s", line)
    return lines
