"""Which samples of a prompt are judged together, and which of several teachers' answers stands for it.

Separate because rules judge one answer, and a vote those it is given: that there are several teachers is known here.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from stillhouse.filters.candidate import Sample
from stillhouse.filters.outcome import FilterResult
from stillhouse.recipe.routing import Mixing

Indexed = tuple[int, Sample]  # a sample with its index among those of its teacher and prompt


def verified(sample: Sample) -> float:
    """Return 1 where the answer agrees with the row's reference, -1 where it contradicts it, 0 where nobody knows."""
    return {True: 1.0, None: 0.0, False: -1.0}[sample.agrees_with_reference]


def judged(sample: Sample) -> float:
    """Return the judge's score; 0 where it gave none that can be read."""
    return float(sample.judge_score or 0)


# what `mixing.by` names -> a sample's score, of which the highest is best
SCORES: dict[str, Callable[[Sample], float]] = {"verifier": verified, "judge": judged}


def panels(samples: Sequence[Sample], mixing: Mixing) -> list[list[Indexed]]:
    """Return a prompt's samples, which come teacher by teacher, as groups that vote: each teacher's own, or all."""
    groups = [list(enumerate(group)) for _, group in groupby(samples, lambda sample: sample.completion.teacher_number)]
    return [[one for group in groups for one in group]] if mixing.kind == "vote" else groups


def best(left: list[Indexed], mixing: Mixing, result: FilterResult) -> list[Indexed]:
    """Return, where the best is asked for, the sample with the highest score, of equals the first; else all."""
    if mixing.kind != "best" or len(left) < 2:
        return left
    score = SCORES[mixing.by]
    chosen = max(left, key=lambda one: score(one[1]))
    for one in left:
        if one is not chosen:
            number = chosen[1].completion.teacher_number
            result.drop(*one, "not_best", f"the prompt's answer is teacher {number}'s, by the {mixing.by}")
    return [chosen]
