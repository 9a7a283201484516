"""How probable an answer is by its own tokens."""

import math

import numpy as np
import pytest

from stillhouse.completions.table import FREE_TEXT, AnswerForm, completion_of, line_of
from tests.support.builders import make_completion

END = 2
LABEL = AnswerForm(special_token_ids=frozenset({END}), is_closed=True)


def certainty(form: AnswerForm, *, is_closed: bool, **fields) -> float | None:
    line = line_of(make_completion(**fields), form)
    return completion_of(line | {"teacher": "t"}).log_certainty(is_closed=is_closed)


@pytest.mark.parametrize("number_of_tokens", [1, 5])
def test_answer_score_leaves_the_end_of_the_answer_out(number_of_tokens: int) -> None:
    share = math.log(0.3) / number_of_tokens
    tokens = [*range(10, 10 + number_of_tokens), END]
    fields = {
        "token_ids": tokens,
        "logprobs": [*({token: share, 7: -9.0} for token in tokens[:-1]), {END: math.log(0.01)}],
        "cumulative_logprob": math.log(0.3 * 0.01),
        "completion_tokens": len(tokens),
    }
    assert certainty(LABEL, is_closed=True, **fields) == pytest.approx(math.log(0.3), rel=1e-6)
    assert certainty(LABEL, is_closed=False, **fields) == pytest.approx(share, rel=1e-6)


def test_answer_score_without_token_ids_is_of_all_tokens() -> None:
    fields = {"cumulative_logprob": -1.5, "completion_tokens": 3}
    assert certainty(FREE_TEXT, is_closed=True, **fields) == -1.5
    assert certainty(FREE_TEXT, is_closed=False, **fields) == -0.5
    assert certainty(FREE_TEXT, is_closed=True) is None
    cut = fields | {"token_ids": [4, 5, 6], "logprobs": [{4: -1.0}]}
    assert certainty(FREE_TEXT, is_closed=True, **cut) == -1.5


def test_line_of_a_stored_and_a_new_completion_are_equal() -> None:
    new = make_completion(token_ids=[4, 5], logprobs=[{4: -0.1}, {5: -0.7}])
    stored = make_completion(token_ids=[4, 5], logprobs=[{4: float(np.float32(-0.1))}, {5: float(np.float32(-0.7))}])
    assert line_of(new, LABEL) == line_of(stored, LABEL)


def test_completion_of_a_line_says_whether_the_answer_was_closed() -> None:
    assert completion_of(line_of(make_completion(), LABEL) | {"teacher": "t"}).is_closed
    assert not completion_of(line_of(make_completion(), FREE_TEXT) | {"teacher": "t"}).is_closed


def test_answer_score_after_reasoning_is_of_the_answer_alone() -> None:
    form = AnswerForm(special_token_ids=frozenset({END}), reasoning_end_ids=frozenset({9}), is_closed=True)
    fields = {
        "reasoning": "it moves",
        "token_ids": [4, 5, 9, 6, END],
        "logprobs": [{4: -3.0}, {5: -2.0}, {9: -1.0}, {6: -0.25}, {END: -4.0}],
        "cumulative_logprob": -10.25,
        "completion_tokens": 5,
    }
    assert certainty(form, is_closed=True, **fields) == -0.25
    assert certainty(LABEL, is_closed=True, **fields) is None
