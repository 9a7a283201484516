"""How many prompts a recipe with rounds asks at most, and which stand for them in a forecast."""

from collections.abc import Sequence

from stillhouse.data.row import Row
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.rounds import Rounds
from stillhouse.reports.numbers import count
from stillhouse.rounds.draw import first_size, in_random_order, later_size, most_requests
from stillhouse.skills.cases import rows_to_ask


def prompts_of_rounds(recipe: Recipe, rounds: Rounds, splits: Sequence[Sequence[Row]]) -> frozenset[str]:
    """Return the ids of as many training prompts as all rounds may ask, and of the validation prompts.

    The first round's are those of the run; which come after them is known once a student has learnt.
    """
    train, validation = _ids(recipe, splits)
    return frozenset([*in_random_order(train, rounds.seed)[: _most(rounds, len(train))], *validation])


def rounds_note(recipe: Recipe, splits: Sequence[Sequence[Row]]) -> str:
    """Return how many prompts the rounds ask at most; empty for a recipe without rounds."""
    rounds = recipe.rounds
    if rounds is None:
        return ""
    train, validation = _ids(recipe, splits)
    num, each = len(train), later_size(len(train), rounds.first, rounds.num_later, rounds.prompts_per_round)
    most = _most(rounds, num)
    again = ""
    if rounds.samples_where_failed:
        again = (
            f" Each prompt without a kept answer adds {rounds.samples_where_failed} requests in a later round, which "
            "are not counted."
        )
    first = first_size(num, rounds.first)
    return (
        f"rounds: at most {count(rounds.count)}, the first of {count(first)} training prompts and the others of up to "
        f"{count(each)} each: at most {count(most)} of {count(num)}, and {count(len(validation))} validation prompts "
        f"in the first. The requests above are these; a round that brings too little ends them.{again}"
    )


def _most(rounds: Rounds, num: int) -> int:
    return most_requests(num, rounds.first, rounds.num_later, rounds.prompts_per_round)


def _ids(recipe: Recipe, splits: Sequence[Sequence[Row]]) -> tuple[list[str], list[str]]:
    """Return the ids of the training and of the validation prompts, each once."""
    train, validation = (
        list(dict.fromkeys(row["id"] for row in rows_to_ask(rows, recipe.training.use_references))) for rows in splits
    )
    return train, validation
