"""What engines do with logits, against SciPy and a chain whose likeliest tokens are known."""

import numpy as np
import pytest
from scipy.special import log_softmax as oracle

from stillhouse.exports.next_token import answer_greedily, log_softmax

NEXT = {0: 3, 3: 1, 1: 2, 2: 2}  # the likeliest token behind each


def behind(token: int) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[NEXT[token]]


def test_log_softmax_is_scipys_also_of_large_logits():
    logits = np.random.default_rng(0).normal(scale=300.0, size=(1, 1, 1000)).astype(np.float32)
    assert log_softmax(logits) == pytest.approx(oracle(logits.astype(np.float64).reshape(-1)), abs=1e-9)


@pytest.mark.parametrize(
    ("max_tokens", "stop_ids", "expected"),
    [(9, {1}, [3, 1]), (2, {2}, [3, 1]), (5, {9}, [3, 1, 2, 2, 2]), (1, {3}, [3])],
    ids=["stop token", "cut before it", "cut", "one token"],
)
def test_answer_ends_with_its_stop_token_or_where_it_is_cut(max_tokens: int, stop_ids: set[int], expected: list[int]):
    found = answer_greedily(behind(0), behind, max_tokens=max_tokens, stop_ids=frozenset(stop_ids))
    assert found == expected
