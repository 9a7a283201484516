"""Chooses the prompts of the next round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stillhouse.config import FrozenModel
from stillhouse.rounds.answers import ranked
from stillhouse.rounds.draw import first_size, in_random_order, later_size
from stillhouse.rounds.pick import pick
from stillhouse.rounds.unsure import Measure, disagreement, unsureness

# of an answer that the judge's reply does not say how good it is
_UNREADABLE_SCORE = 3


class Choice(FrozenModel):
    """How prompts are chosen: all of it is identity."""

    first: float
    num_later: int
    each: int | None
    choose: str
    unsure_by: Measure
    max_similarity: float
    seed: int


@dataclass(frozen=True)
class Told:
    """What is known of prompts not asked yet, by their ids."""

    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # lines of the student's answers
    others: Mapping[str, Sequence[float]] = field(default_factory=dict)  # log-probability of each label by another
    scores: Mapping[str, int | None] = field(default_factory=dict)  # a judge's of the student's answers


def first_prompts(ids: Sequence[str], choice: Choice) -> list[str]:
    """Return the prompts of the first round, drawn at random."""
    order = in_random_order(ids, choice.seed)
    return order[: first_size(len(order), choice.first)]


def next_prompts(
    ids: Sequence[str], asked: frozenset[str], told: Told, texts: Mapping[str, str], choice: Choice
) -> list[str]:
    """Return the prompts of the next round out of `ids`, all that may be asked; `asked` are those that were.

    Prompts that the student did not answer come after all that it did: of these nothing is known.
    """
    order = in_random_order(ids, choice.seed)
    left = [one for one in order if one not in asked]
    wanted = min(len(left), later_size(len(order), choice.first, choice.num_later, choice.each))
    if choice.choose == "random":
        return left[:wanted]
    answers = {one: told.answers[one] for one in left if one in told.answers}
    first = ranked(answers, lambda line: _interest(line, told, choice), choice.seed)
    chosen = pick(first, texts, wanted, choice.max_similarity)
    known = frozenset(chosen)
    rest = [one for one in (*first, *(one for one in left if one not in answers)) if one not in known]
    return [*chosen, *rest[: wanted - len(chosen)]]


def _interest(line: Mapping[str, Any], told: Told, choice: Choice) -> float:
    """Return what a prompt is ranked by, the greatest first."""
    unsure = unsureness(line, choice.unsure_by)
    if choice.choose == "disagreement":
        other = told.others.get(line["row_id"])
        return disagreement(line["label_logprobs"], other) if other and line["label_logprobs"] else unsure
    if choice.choose == "judged_wrong":
        score = told.scores.get(line["row_id"])
        # of equally wrong answers the least sure first: squashed into [0, 1], below the step of a score
        return 1.0 - 1.0 / (1.0 + unsure) - (_UNREADABLE_SCORE if score is None else score)
    return unsure
