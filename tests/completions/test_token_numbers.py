"""The file of a teacher's numbers of tokens."""

import math
from itertools import pairwise

import numpy as np
import pytest

from stillhouse.completions.token_numbers import (
    TokenLine,
    TokenNumbers,
    read_token_lines,
    tokens_path,
    top_numbers,
    write_token_lines,
)


def make_numbers(count: int, k: int, seed: int = 0, vocab: int = 150_000) -> TokenNumbers:
    chance = np.random.default_rng(seed)
    steps = []
    for _ in range(count):
        logits = 3.0 * chance.standard_normal(k + 40)
        logprobs = logits - np.log(np.exp(logits).sum())
        ids = chance.choice(vocab, len(logits), replace=False).tolist()
        steps.append(dict(zip(ids, logprobs.tolist(), strict=True)))
    found = top_numbers([next(iter(step)) for step in steps], steps, k)
    assert found is not None
    return found


def test_top_numbers_are_the_likeliest_first_and_nothing_impossible():
    step = {4: -1.5, 7: -0.5, 9: -math.inf, 2: -9999.0, 3: -1.5}
    found = top_numbers([9], [step], 3)
    assert found is not None
    assert (found.token_ids.tolist(), found.sizes.tolist()) == ([9], [3])
    assert (found.ids.tolist(), found.logprobs.tolist()) == ([7, 3, 4], [-0.5, -1.5, -1.5])


@pytest.mark.parametrize(
    ("tokens", "steps"), [([1, 2], [{1: -0.1}]), ([], []), ([1], [{}]), ([1], [{1: -math.inf}])], ids=str
)
def test_top_numbers_without_a_number_for_each_token_are_none(tokens, steps):
    assert top_numbers(tokens, steps, 5) is None


def test_token_lines_come_back_in_order_and_bit_for_bit(tmp_path):
    # more than a group of the file
    lines = [TokenLine(3 * n, f"row {n}", n % 2 or None, n % 4, make_numbers(1 + n % 5, 6, n)) for n in range(600)]
    path = tmp_path / "train.logits.parquet"
    assert write_token_lines(lines, path) == (600, sum(1 + n % 5 for n in range(600)))
    found = list(read_token_lines(path))
    assert [line[:4] for line in found] == [line[:4] for line in lines]
    assert all(one.line < other.line for one, other in pairwise(found))
    for one, other in zip(found, lines, strict=True):
        assert one.numbers.to_bytes() == other.numbers.to_bytes()
        again = TokenNumbers.from_bytes(other.numbers.to_bytes())
        assert all(np.array_equal(part, same) for part, same in zip(again, other.numbers, strict=True))


def test_no_token_lines_are_a_file_without_lines(tmp_path):
    assert write_token_lines([], tmp_path / "none.parquet") == (0, 0)
    assert list(read_token_lines(tmp_path / "none.parquet")) == []


def test_stored_token_takes_at_most_150_bytes_at_the_most_numbers(tmp_path):
    path = tmp_path / "train.logits.parquet"
    _, num_tokens = write_token_lines([TokenLine(n, f"{n}", None, 0, make_numbers(50, 20, n)) for n in range(40)], path)
    assert path.stat().st_size / num_tokens <= 150


def test_numbers_lie_beside_their_rows(tmp_path):
    assert tokens_path(tmp_path / "validation.jsonl") == tmp_path / "validation.logits.parquet"
