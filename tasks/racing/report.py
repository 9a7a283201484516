"""Writes the report of a race, and shows it in Prefect."""

from datetime import UTC, datetime

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from stillhouse.evaluation.clusters import count_clusters
from stillhouse.racing.filter_worth import filter_conclusion
from stillhouse.racing.standings import conclusion
from stillhouse.racing.summary import FilterWorth, RaceReport
from stillhouse.racing.text import STANDINGS, standing_rows
from tasks.orchestration.run import Run
from tasks.racing.contest import Contest
from tasks.racing.rounds import Outcome

_CHOSEN = (
    "The winner was chosen by these validation rows, so its quality is a little too good to be true; `stillhouse run` "
    "measures it on the test rows."
)


def write_race(run: Run, contest: Contest, plan: list[str], outcome: Outcome, filters: list[FilterWorth]) -> RaceReport:
    """Write race.json and race.html under races/<run id>/, and return the report."""
    # imported here: it takes a second to load, and the first stage need not wait for it
    from stillhouse.racing.html import render_race

    report = build_race(run, contest, plan, outcome, filters)
    run.store.put_text(f"races/{run.id}/race.json", report.model_dump_json(indent=2) + "\n")
    run.store.put_text(f"races/{run.id}/race.html", render_race(report))
    lines = [dict(zip(STANDINGS, row, strict=True)) for row in standing_rows(report.rounds[-1].standings)]
    create_table_artifact(table=lines, key="race", description="contestants after the last round")
    said = [report.conclusion, *(one.sentence for one in report.filters), *report.notes]
    create_markdown_artifact(markdown="\n\n".join(said), key="race-summary")
    return report


def build_race(run: Run, contest: Contest, plan: list[str], outcome: Outcome, filters: list[FilterWorth]) -> RaceReport:
    """Return the report of a race."""
    evaluation, scoring = run.recipe.evaluation, outcome.scoring
    # the rounds share one level, so that looking at each costs no certainty
    alpha = (1 - evaluation.confidence) / max(1, outcome.num_rounds)
    is_race = len(contest.recipes) > 1
    return RaceReport(
        run_id=run.id,
        recipe=run.recipe.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        student=contest.learner.words,
        metric=evaluation.metrics[0],
        confidence=evaluation.confidence,
        validation_rows=len(scoring.references),
        clusters=None if scoring.clusters is None else count_clusters(scoring.clusters),
        draws=contest.learner.draws,
        plan=tuple(plan),
        rounds=tuple(outcome.rounds),
        winner=outcome.winner,
        conclusion=conclusion(outcome.rounds[-1].standings, alpha)
        if is_race
        else "One contestant, the recipe itself: its filters alone are measured.",
        filters=tuple(filters),
        filter_conclusion=filter_conclusion(filters),
        notes=(_CHOSEN,) if is_race else (),
    )
