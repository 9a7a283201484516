"""Which target tokens are the teacher's."""

import pytest

from stillhouse.students.logits.alignment import Pair, aligned

END = 99
# tokens above 100 spell two of the others
PARTS = {120: (1, 2), 130: (3, 4)}


def spells_the_same(target, teacher):
    def parts(ids):
        return [part for one in ids for part in PARTS.get(one, (one,)) if one != END]

    return bool(parts(target)) and parts(target) == parts(teacher)


def run(target, teacher, size):
    return [Pair(target + n, teacher + n) for n in range(size)]


@pytest.mark.parametrize(
    ("target", "teacher", "pairs"),
    [
        ([1, 2, 3, END], [1, 2, 3, END], run(0, 0, 4)),
        ([1, 2, 3, END], [1, 2, 3], run(0, 0, 3)),
        ([1, 2, 3], [1, 2, 3, END], run(0, 0, 3)),
        ([1, 2, END], [7, 8, 9, 1, 2, END], run(0, 3, 3)),
        ([50, 51, 1, 2, END], [1, 2, END], run(2, 0, 3)),
        ([1, 2, 3, 4, 5, END], [1, 2, 3, 4, 6], run(0, 0, 4)),
        ([1, 2, END], [3, 4], []),
        ([1, 2, END], [], []),
    ],
    ids=["whole", "no end", "no end taught", "reasoning dropped", "template before", "cut", "other words", "nothing"],
)
def test_aligned_is_the_longest_run_of_equal_tokens(target, teacher, pairs):
    assert aligned(target, teacher, spells_the_same) == pairs


def test_aligned_finds_the_answer_behind_long_reasoning_of_frequent_tokens():
    reasoning = [1, 2] * 600
    found = aligned([3, 1, 2, 4, END], [*reasoning, 3, 1, 2, 4, END], spells_the_same)
    assert found == run(0, 1200, 5)


@pytest.mark.parametrize(
    ("target", "teacher", "pairs"),
    [
        ([120, 7, END], [1, 2, 7], [Pair(0, 0, is_fork=True), Pair(1, 2)]),
        ([120, END], [1, 2], [Pair(0, 0, is_fork=True)]),
        ([7, 130, END], [7, 3, 4, END], [Pair(0, 0), Pair(1, 1, is_fork=True)]),
        ([7, 130, END], [8, 9, 7, 3, 4, END], [Pair(0, 2), Pair(1, 3, is_fork=True)]),
        ([7, 130, END], [7, 3, 5, END], [Pair(0, 0)]),
    ],
    ids=["first word", "label", "last word", "behind reasoning", "another text"],
)
def test_aligned_has_the_place_where_one_text_parts_into_other_tokens(target, teacher, pairs):
    assert aligned(target, teacher, spells_the_same) == pairs
