"""Which of a student's target tokens are the teacher's own, so that the teacher's numbers are of them."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

SameText = Callable[[Sequence[int], Sequence[int]], bool]  # whether tokens of a target and of a teacher spell one text


class Pair(NamedTuple):
    """A place in the target, and the place in the completion whose numbers are of it."""

    target: int
    teacher: int
    is_fork: bool = False  # there both go on with one text in other tokens


def aligned(target: Sequence[int], teacher: Sequence[int], same_text: SameText) -> list[Pair]:
    """Return the places of the target that have the teacher's numbers, in order.

    Mostly they are all, or all but the end. A target may lack the reasoning before the answer, be cut or written in
    another way, and has the template's tokens around it; a completion may lack the end token, as where a stop text
    ended decoding. Those of the longest run of tokens that both share have numbers, and where the answer begins or the
    run ends, the place at which one text parts into other tokens, as a form or a space lets a teacher spell it.
    """
    pairs = zip(target, teacher, strict=False)
    size = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if size == min(len(target), len(teacher)):
        return _run(0, 0, size)
    forks = [Pair(size, size, is_fork=True)] if same_text(target[size:], teacher[size:]) else []
    # without its heuristic for long texts, which drops frequent tokens
    found = SequenceMatcher(None, target, teacher, autojunk=False).find_longest_match()
    if found.size <= size:
        return [*_run(0, 0, size), *forks]
    target_end, teacher_end = found.a + found.size, found.b + found.size
    behind = [Pair(target_end, teacher_end, is_fork=True)]
    behind = behind if same_text(target[target_end:], teacher[teacher_end:]) else []
    before = [fork for fork in forks if fork.target < found.a and fork.teacher < found.b]
    return [*before, *_run(found.a, found.b, found.size), *behind]


def _run(target: int, teacher: int, size: int) -> list[Pair]:
    return [Pair(target + offset, teacher + offset) for offset in range(size)]
