"""Which target tokens are the teacher's."""

import pytest

from stillhouse.students.logits.alignment import Run, aligned

END = 99


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
    assert aligned(target, teacher) == run


def test_aligned_finds_the_answer_behind_long_reasoning_of_frequent_tokens():
    reasoning = [1, 2] * 600
    assert aligned([3, 1, 2, 4, END], [*reasoning, 3, 1, 2, 4, END]) == Run(0, 1200, 5)
