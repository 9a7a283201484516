"""Which of a student's target tokens are the teacher's own, so that the teacher's numbers are of them."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple


class Run(NamedTuple):
    """`size` tokens of the target from `target_start`, which are those of the completion from `teacher_start`."""

    target_start: int
    teacher_start: int
    size: int


def aligned(target: Sequence[int], teacher: Sequence[int]) -> Run:
    """Return the longest run of tokens that the target shares with the teacher's completion; its size may be 0.

    Mostly it is the whole of one of them. A target may lack the reasoning before the answer, be cut or written in
    another way, and has the template's tokens around it; a completion may lack the end token, as where a stop text
    ended decoding. Behind such a difference the teacher's numbers are of other words before them, so one run is all.
    """
    same = next((n for n, (one, two) in enumerate(zip(target, teacher, strict=False)) if one != two), None)
    shorter = min(len(target), len(teacher))
    if same is None or same > shorter // 2:
        return Run(0, 0, shorter if same is None else same)
    # without its heuristic for long texts, which drops frequent tokens
    found = SequenceMatcher(None, target, teacher, autojunk=False).find_longest_match()
    return Run(found.a, found.b, found.size)
