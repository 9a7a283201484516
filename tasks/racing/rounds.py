"""Runs the rounds of a race: small slices first, half of the contestants after each."""

from collections.abc import Mapping
from dataclasses import dataclass

from stillhouse.errors import RecipeError
from stillhouse.evaluation.scoring import Scoring
from stillhouse.metrics.metric import Answers
from stillhouse.racing.differences import measure
from stillhouse.racing.schedule import PROBE, num_rounds, prompts_for, round_shares
from stillhouse.racing.standings import rank, running_on, standing
from stillhouse.racing.summary import Round, Spent
from stillhouse.recipe.race import Race
from tasks.balance import Rows
from tasks.orchestration.run import Run
from tasks.racing.answer import answers_of
from tasks.racing.contest import Contest, scoring_of
from tasks.racing.teach import Lesson, teach


@dataclass(frozen=True)
class Outcome:
    """What came of the rounds: the standings, and the winner's last lesson with its students' answers."""

    rounds: list[Round]
    num_rounds: int  # that there could have been
    winner: str
    lesson: Lesson
    answers: list[Answers]
    scoring: Scoring


def run_rounds(run: Run, contest: Contest, rows: Rows) -> Outcome:
    """Return the outcome of a race; its levels are shared by its rounds, so that looking early costs no certainty.

    Raises:
        RecipeError: contestants are to get the same money, and a price is not known.
    """
    race, running = contest.race, list(contest.recipes)
    budgets = _most_prompts(run, contest, rows)
    shares = round_shares(race, num_rounds(race, len(running)))
    alpha = (1 - run.recipe.evaluation.confidence) / len(shares)
    metric, rounds = run.recipe.evaluation.metrics[0], list[Round]()
    for at, share in enumerate(shares):
        label = f"race_students round {at + 1}"
        lessons = {
            name: teach(run, contest.recipes[name], rows, max(1, round(budgets[name] * share)), race.seed)
            for name in running
        }
        given = [lesson.taught for lesson in lessons.values()]
        answers = dict(zip(lessons, answers_of(run, contest, given, label), strict=True))
        scoring = scoring_of(run, lessons[running[0]].rows)
        results = rank({name: measure(metric, one, scoring) for name, one in answers.items()}, scoring)
        running = running_on(results, alpha, is_last=at == len(shares) - 1)
        entries = (
            standing(one, lessons[one.name].dataset.summary.rows.train, lessons[one.name].spent, running)
            for one in results
        )
        rounds.append(Round(standings=tuple(entries)))
        if len(running) < 2:
            break
    winner = results[0].name
    return Outcome(rounds, len(shares), winner, lessons[winner], answers[winner], scoring)


def _most_prompts(run: Run, contest: Contest, rows: Rows) -> Mapping[str, int]:
    """Return how many prompts each contestant gets in the last round."""
    race = contest.race
    if race.equal == "prompts":
        return dict.fromkeys(contest.recipes, race.prompts)
    found = {}
    for name, recipe in contest.recipes.items():
        spent = teach(run, recipe, rows, PROBE, race.seed).spent
        found[name] = prompts_for(*_budget(race, name, spent), race.prompts)
    return found


def _budget(race: Race, name: str, spent: Spent) -> tuple[float, float | None]:
    """Return a contestant's budget, and how much of it a prompt takes."""
    prompts = max(1, spent.prompts)
    if race.equal == "tokens":
        return float(race.tokens or 0), spent.tokens / prompts
    if spent.usd is None:
        raise RecipeError(
            f"race.equal: usd; no price of contestant {name}'s models is known. Set their `price` or "
            "costs.teacher_usd_per_hour, or set race.equal to tokens or prompts."
        )
    return race.usd or 0.0, spent.usd / prompts
