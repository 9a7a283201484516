"""How a race goes on: the rounds, the prompts of each, and what it will ask at most."""

import math
from collections.abc import Mapping, Sequence

from stillhouse.recipe.race import Race
from stillhouse.recipe.recipe import Recipe

PROBE = 32  # prompts by which a contestant's budget is turned into prompts


def num_rounds(race: Race, contestants: int) -> int:
    """Return how many rounds there are at most: contestants are halved after each, the last one is of two or more."""
    if contestants < 2 or race.first_prompts == race.prompts:
        return 1
    return max(2, math.ceil(math.log2(contestants)))


def round_shares(race: Race, rounds: int) -> list[float]:
    """Return the share of the whole budget of each round, growing evenly by a factor; the last one is 1."""
    first = race.first_prompts / race.prompts
    return [first ** ((rounds - 1 - at) / max(1, rounds - 1)) for at in range(rounds)]


def num_staying(contestants: int, *, is_last: bool) -> int:
    """Return how many run on after a round: half, the larger if it is uneven, at least two; none after the last."""
    return 0 if is_last else min(contestants, max(2, math.ceil(contestants / 2)))


def prompts_for(budget: float, per_prompt: float | None, most: int) -> int:
    """Return how many prompts a budget buys at what one takes, at most `most` and at least one probe.

    A teacher that takes nothing, or of which it is not known, is asked `most`.
    """
    if not per_prompt:
        return most
    return max(min(most, PROBE), min(most, int(budget / per_prompt)))


def plan_lines(race: Race, contestants: Mapping[str, Recipe], tested: Sequence[str], available: int) -> list[str]:
    """Return what a race will ask, at most, a line a round and one for the filters."""
    names, lines = list(contestants), []
    rounds = num_rounds(race, len(names))
    running = len(names)
    sizes = [max(1, min(available, round(race.prompts * share))) for share in round_shares(race, rounds)]
    before = 0
    for at, size in enumerate(sizes):
        # whoever runs on may be any of them: the costliest count
        new = size - before
        costs = sorted((new * requests_per_prompt(contestants[name]) for name in names), reverse=True)
        lines.append(
            f"round {at + 1} of {rounds}: {running} contestant{'s' if running > 1 else ''}, {size:,} prompts each "
            f"({new:,} of them new), at most {sum(costs[:running]):,} requests"
        )
        before, running = size, num_staying(running, is_last=at == rounds - 1)
    if race.equal != "prompts":
        budget = f"{race.tokens:,} tokens" if race.equal == "tokens" else f"${race.usd:g}"
        lines.append(
            f"each contestant gets {budget}: fewer prompts than above if they take more, by {PROBE} prompts of each"
        )
    if tested:
        filters = f"{len(tested)} filter{'s' if len(tested) > 1 else ''}"
        lines.append(f"then the worth of {filters} on the winner's prompts, 0 requests: {', '.join(tested)}")
    lines.append("what the store holds is not asked again; no test row is read")
    return lines


def requests_per_prompt(recipe: Recipe) -> int:
    """Return how many requests a prompt takes at most: the rollouts of all teachers, and a judge's scores of them."""
    rollouts = sum(teacher.sampling.n for teacher in recipe.teachers)
    return rollouts * 2 if recipe.judge is not None and recipe.judge_chooses else rollouts
