"""Which of a student's target tokens are the teacher's own, so that the teacher's numbers are of them."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

SameText = Callable[[Sequence[int], Sequence[int]], bool]  # whether tokens of a target and of a teacher spell one text


class Run(NamedTuple):
    """`size` tokens of the target from `target_start`, which are those of the completion from `teacher_start`."""

    target_start: int
    teacher_start: int
    size: int
    # behind them both go on with one text in other tokens, as where a form let the teacher spell a label its own way
    is_forked: bool = False


def aligned(target: Sequence[int], teacher: Sequence[int], same_text: SameText) -> Run:
    """Return the longest run of tokens that the target shares with the teacher's completion; its size may be 0.

    Mostly it is the whole of one of them. A target may lack the reasoning before the answer, be cut or written in
    another way, and has the template's tokens around it; a completion may lack the end token, as where a stop text
    ended decoding. Behind such a difference the teacher's numbers are of other tokens before them, so one run is all.
    """
    shorter = min(len(target), len(teacher))
    same = next((n for n, (one, two) in enumerate(zip(target, teacher, strict=False)) if one != two), None)
    if same is None:
        return Run(0, 0, shorter)
    if same_text(target[same:], teacher[same:]):
        return Run(0, 0, same, is_forked=True)
    if same > shorter // 2:
        return Run(0, 0, same)
    # without its heuristic for long texts, which drops frequent tokens
    found = SequenceMatcher(None, target, teacher, autojunk=False).find_longest_match()
    is_forked = found.size > 0 and same_text(target[found.a + found.size :], teacher[found.b + found.size :])
    return Run(found.a, found.b, found.size, is_forked)
