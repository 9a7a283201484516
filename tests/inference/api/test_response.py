import json
from typing import Any

import pytest

from stillhouse.inference.api.request import ResponseForm
from stillhouse.inference.api.response import MalformedResponse, read_reply
from tests.support.api.server import answer

PLAIN, WRAPPED = ResponseForm(), ResponseForm(is_wrapped=True)


def token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": [1], "top_logprobs": []}


def test_read_reply_has_text_finish_reason_and_counts():
    reply = read_reply(answer("billing").body, PLAIN)
    assert (reply.text, reply.finish_reason) == ("billing", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 2)
    assert reply.cumulative_logprob is None


@pytest.mark.parametrize(("said", "end"), [("end_turn", "stop"), ("max_tokens", "length"), ("eos_token", "stop")])
def test_read_reply_other_finish_reasons_are_translated(said, end):
    assert read_reply(answer("x", said).body, PLAIN).finish_reason == end


def test_read_reply_tokens_named_by_text_give_summed_logprobs():
    logprobs = {"content": [token("bill", -0.5), token("ing", -0.25)]}
    reply = read_reply(answer("billing", logprobs=logprobs).body, PLAIN)
    assert reply.cumulative_logprob == -0.75
    # token ids are not known, and a guess would name other tokens
    assert (reply.token_ids, reply.logprobs) == ((), ())


def test_read_reply_tokens_named_by_id_keep_their_logprobs():
    top = [{"token": "token_id:7", "logprob": -0.5}, {"token": "token_id:9", "logprob": -1.0}]
    content = [
        {"token": "token_id:7", "logprob": -0.5, "top_logprobs": top},
        {"token": "token_id:3", "logprob": -0.25, "top_logprobs": []},
    ]
    reply = read_reply(answer("billing", logprobs={"content": content}).body, PLAIN)
    assert reply.token_ids == (7, 3)
    assert reply.logprobs == ({7: -0.5, 9: -1.0}, {3: -0.25})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"answer": "billing"}', "billing"),
        ('{"answer":"bil', '{"answer":"bil'),
        ("billing", "billing"),
        ('"billing"', '"billing"'),
        ('{"label": "billing"}', '{"label": "billing"}'),
        ('{"answer": 3}', '{"answer": 3}'),
    ],
)
def test_read_reply_wrapped_choice_is_taken_out_and_other_text_kept(text, read):
    assert read_reply(answer(text, "length").body, WRAPPED).text == read


def test_read_reply_of_a_free_completion_keeps_the_object():
    assert read_reply(answer('{"answer": "billing"}').body, PLAIN).text == '{"answer": "billing"}'


def test_read_reply_refusal_is_the_text():
    assert read_reply(answer(None, message={"refusal": "I can't help."}).body, PLAIN).text == "I can't help."


def test_read_reply_without_text_is_valid_only_if_truncated():
    with pytest.raises(MalformedResponse) as caught:
        read_reply(answer(" \n").body, PLAIN)
    assert caught.value.kind == "empty"
    # a model that reasons may spend all its tokens before it answers
    assert read_reply(answer(None, "length").body, PLAIN).finish_reason == "length"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"choices": [{}]}', json.dumps({"choices": [{"message": None}]}).encode()],
)
def test_read_reply_no_chat_completion_is_refused_and_not_repeated(content):
    with pytest.raises(MalformedResponse, match="no chat completion") as caught:
        read_reply(content, PLAIN)
    assert caught.value.kind == "body"
