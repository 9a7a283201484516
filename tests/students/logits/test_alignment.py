"""Which target tokens are the teacher's."""

import pytest

from stillhouse.students.logits.alignment import Run, aligned

END = 99
# tokens above 100 spell two of the others
PARTS = {120: (1, 2), 130: (3, 4)}


def spells_nothing(target, teacher):
    return False


def spells_the_same(target, teacher):
    def parts(ids):
        return [part for one in ids for part in PARTS.get(one, (one,)) if one != END]

    return bool(parts(target)) and parts(target) == parts(teacher)


@pytest.mark.parametrize(
    ("target", "teacher", "run"),
    [
        ([1, 2, 3, END], [1, 2, 3, END], Run(0, 0, 4)),
        ([1, 2, 3, END], [1, 2, 3], Run(0, 0, 3)),
        ([1, 2, 3], [1, 2, 3, END], Run(0, 0, 3)),
        ([1, 2, END], [7, 8, 9, 1, 2, END], Run(0, 3, 3)),
        ([50, 51, 1, 2, END], [1, 2, END], Run(2, 0, 3)),
        ([1, 2, 3, 4, 5, END], [1, 2, 3, 4, 6], Run(0, 0, 4)),
        ([1, 2, END], [3, 4], Run(0, 0, 0)),
        ([1, 2, END], [], Run(0, 0, 0)),
    ],
    ids=["whole", "no end", "no end taught", "reasoning dropped", "template before", "cut", "other words", "nothing"],
)
def test_aligned_is_the_longest_run_of_equal_tokens(target, teacher, run):
    assert aligned(target, teacher, spells_nothing) == run


def test_aligned_finds_the_answer_behind_long_reasoning_of_frequent_tokens():
    reasoning = [1, 2] * 600
    assert aligned([3, 1, 2, 4, END], [*reasoning, 3, 1, 2, 4, END], spells_nothing) == Run(0, 1200, 5)


@pytest.mark.parametrize(
    ("target", "teacher", "run"),
    [
        ([120, 7, END], [1, 2, 7], Run(0, 0, 0, is_forked=True)),
        ([7, 130, END], [7, 3, 4, END], Run(0, 0, 1, is_forked=True)),
        ([7, 130, END], [8, 9, 7, 3, 4, END], Run(0, 2, 1, is_forked=True)),
        ([7, 130, END], [7, 3, 5, END], Run(0, 0, 1)),
    ],
    ids=["label", "later", "behind reasoning", "another text"],
)
def test_aligned_says_where_one_text_goes_on_in_other_tokens(target, teacher, run):
    assert aligned(target, teacher, spells_the_same) == run
