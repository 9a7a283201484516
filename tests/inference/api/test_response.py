import json
from typing import Any

import pytest

from stillhouse.inference.api.request import ResponseForm
from stillhouse.inference.api.response import MalformedResponse, read_reply
from tests.support.api.server import answer

PLAIN, WRAPPED = ResponseForm(), ResponseForm(is_wrapped=True)


def token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": [1], "top_logprobs": []}


def test_read_reply_takes_text_end_and_counts():
    reply = read_reply(answer("billing").body, PLAIN)
    assert (reply.text, reply.finish_reason) == ("billing", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 2)
    assert reply.cumulative_logprob is None


@pytest.mark.parametrize(("said", "end"), [("end_turn", "stop"), ("max_tokens", "length"), ("eos_token", "stop")])
def test_read_reply_knows_other_servers_words_for_an_end(said, end):
    assert read_reply(answer("x", said).body, PLAIN).finish_reason == end


def test_read_reply_sums_log_probabilities_of_tokens_named_by_text():
    logprobs = {"content": [token("bill", -0.5), token("ing", -0.25)]}
    reply = read_reply(answer("billing", logprobs=logprobs).body, PLAIN)
    assert reply.cumulative_logprob == -0.75
    # token ids are not known, and a guess would name other tokens
    assert (reply.token_ids, reply.logprobs) == ((), ())


def test_read_reply_keeps_log_probabilities_by_token_id():
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
def test_read_reply_takes_a_choice_out_of_its_object_and_leaves_the_rest_to_the_parser(text, read):
    assert read_reply(answer(text, "length").body, WRAPPED).text == read


def test_read_reply_of_a_free_answer_takes_nothing_out():
    assert read_reply(answer('{"answer": "billing"}').body, PLAIN).text == '{"answer": "billing"}'


def test_read_reply_takes_a_refusal_as_the_answer_it_is():
    assert read_reply(answer(None, message={"refusal": "I can't help."}).body, PLAIN).text == "I can't help."


def test_read_reply_without_text_is_an_answer_only_when_it_was_cut_off():
    with pytest.raises(MalformedResponse) as caught:
        read_reply(answer(" \n").body, PLAIN)
    assert caught.value.kind == "empty"
    # a model that reasons may spend all its tokens before it answers
    assert read_reply(answer(None, "length").body, PLAIN).finish_reason == "length"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"choices": [{}]}', json.dumps({"choices": [{"message": None}]}).encode()],
)
def test_read_reply_refuses_what_is_no_chat_completion_and_repeats_none_of_it(content):
    with pytest.raises(MalformedResponse, match="no chat completion") as caught:
        read_reply(content, PLAIN)
    assert caught.value.kind == "body"
