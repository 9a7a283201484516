"""What the engine's process and its parent send each other."""

import math

import pytest
from pydantic import ValidationError

from stillhouse.evaluation.engine_process import _CALL, EngineReply, _Answer


def test_answer_keeps_nan_and_infinity_through_the_pipe():
    reply = EngineReply(id="k", text="a", completion_tokens=1, scores=[math.nan, -math.inf, -0.5], logprob=-math.inf)
    (received,) = _Answer.model_validate_json(_Answer(replies=(reply,)).model_dump_json()).replies
    assert math.isnan(received.scores[0])
    assert received.scores[1:] == [-math.inf, -0.5]


def test_call_that_asks_for_nothing_is_refused():
    with pytest.raises(ValidationError):
        _CALL.validate_json(b"{}")
