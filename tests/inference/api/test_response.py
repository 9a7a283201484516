import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("said", "end"),
    [
        *((said, "stop") for said in ("stop", "STOP", "end_turn", "eos_token", "COMPLETE", "FinishReason.STOP")),
        *((said, "length") for said in ("length", "MAX_TOKENS", "max_output_tokens", "model_length", "ERROR_LIMIT")),
        *((said, "error:content_filter") for said in ("content_filter", "sensitive", "SAFETY", "safety", "RECITATION")),
        *((said, "error:content_filter") for said in ("content_filter: PROHIBITED_CONTENT", "FINISH_REASON_SPII")),
    ],
)
def test_read_reply_finish_reasons_of_all_providers_are_read(said, end):
    assert read_reply(answer("x", said).body, PLAIN).finish_reason == end


@pytest.mark.parametrize("said", ["insufficient_system_resource", "abort", "network_error", "error"])
def test_read_reply_that_the_server_broke_off_is_the_servers_failure(said):
    with pytest.raises(MalformedResponse, match=f"ended with '{said}'") as caught:
        read_reply(answer("go", said).body, PLAIN)
    assert caught.value.kind == "server"
    assert caught.value.counts[:2] == (11, 2)


@pytest.mark.parametrize("said", [None, "", "tool_calls", 7, {"type": "stop"}])
def test_read_reply_with_an_unknown_end_is_no_answer(said):
    with pytest.raises(MalformedResponse, match="finish_reason") as caught:
        read_reply(answer("goods", said).body, PLAIN)
    assert (caught.value.kind, caught.value.counts) == ("body", (11, 2, 0))


def reply_with(**fields: Any) -> dict[str, Any]:
    """The body of a good answer with other fields in place of its own."""
    return json.loads(answer("goods").body) | fields


def choice_with(**fields: Any) -> dict[str, Any]:
    body = reply_with()
    return body | {"choices": [body["choices"][0] | fields]}


def content(value: Any) -> dict[str, Any]:
    return choice_with(message={"role": "assistant", "content": value})


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "they ask for a parcel"}]}


@pytest.mark.parametrize(
    "body",
    [
        content([{"type": "text", "text": "goods"}]),
        content([{"type": "text", "text": "go"}, {"type": "text", "text": "ods"}]),
        content([THINKING, {"type": "text", "text": "goods"}]),
        content([{"type": "reasoning", "text": "hm"}, {"type": "output_text", "text": "goods", "annotations": []}]),
        content(["goods"]),
        content({"type": "text", "text": "goods"}),
        content([{"type": "text", "text": {"value": "goods"}}, {"text": "goods"}]),
        choice_with(index=None, message={"content": "goods", "tool_calls": None, "audio": {}, "annotations": "none"}),
        choice_with(logprobs={"content": [{"token": "goods", "logprob": None}]}),
        choice_with(logprobs={"content": [{"token": "goods"}, 7]}),
        choice_with(logprobs={"content": {}}),
        choice_with(logprobs="none"),
        choice_with(logprobs=[]),
        reply_with(usage=None),
        reply_with(usage=[]),
        reply_with(usage={"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": 3}),
        reply_with(usage={"prompt_tokens": "many", "completion_tokens": -1, "total_tokens": 1e300}),
        reply_with(id=None, created="now", model=None, error=None, service_tier=7),
    ],
    ids=lambda body: json.dumps(body["choices"][0])[:60] + json.dumps(body["usage"])[:40],
)
def test_read_reply_needless_field_in_any_form_costs_no_answer(body):
    reply = read_reply(json.dumps(body).encode(), PLAIN)
    assert (reply.text, reply.finish_reason, reply.cumulative_logprob) == ("goods", "stop", None)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\n  \n", b"\xef\xbb\xbf \r\n"])
def test_read_reply_marks_and_blank_lines_before_the_body_are_nothing(before):
    assert read_reply(before + answer("goods").body, PLAIN).text == "goods"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": None, "completion_tokens": 2, "total_tokens": 9}, (7, 2)),
        ({"prompt_tokens": "7", "completion_tokens": "2"}, (7, 2)),
        ({"prompt_tokens": 7.0, "completion_tokens": 2.0}, (7, 2)),
        ({"input_tokens": 7, "output_tokens": 2}, (7, 2)),
        ({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}, (7, 0)),
        ({}, (0, 0)),
    ],
)
def test_read_reply_usage_is_read_as_far_as_it_tells(usage, counts):
    reply = read_reply(json.dumps(reply_with(usage=usage)).encode(), PLAIN)
    assert (reply.prompt_tokens, reply.completion_tokens) == counts


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 90, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 64}}, (90, 64)),
        ({"prompt_tokens": 90, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 26}, (90, 64)),
        ({"prompt_tokens": 90, "cached_tokens": 64}, (90, 64)),
        ({"input_tokens": 90, "input_tokens_details": {"cached_tokens": 64}}, (90, 64)),
        # Anthropic's input_tokens are without what was cached
        ({"input_tokens": 6, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 20}, (90, 64)),
        ({"prompt_tokens": 90, "prompt_tokens_details": {"cached_tokens": None}}, (90, 0)),
        ({"prompt_tokens": 90, "prompt_tokens_details": {"cached_tokens": 91}}, (90, 90)),
        ({"prompt_tokens": 90, "prompt_tokens_details": 3}, (90, 0)),
    ],
)
def test_read_reply_cached_tokens_are_read_in_any_providers_words(usage, counts):
    reply = read_reply(json.dumps(reply_with(usage=usage)).encode(), PLAIN)
    assert (reply.prompt_tokens, reply.cached_tokens) == counts


def test_read_reply_older_form_of_logprobs_is_summed():
    logprobs = {"tokens": ["go", "ods"], "token_logprobs": [-0.5, "-0.25"], "top_logprobs": None}
    assert read_reply(json.dumps(choice_with(logprobs=logprobs)).encode(), PLAIN).cumulative_logprob == -0.75


def test_read_reply_infinite_logprob_of_another_token_is_left_out():
    top = [{"token": "token_id:3", "logprob": -0.5}, {"token": "token_id:4", "logprob": float("-inf")}, None]
    logprobs = {"content": [{"token": "token_id:3", "logprob": -0.5, "top_logprobs": top}]}
    reply = read_reply(json.dumps(choice_with(logprobs=logprobs)).encode(), PLAIN)
    assert (reply.token_ids, reply.logprobs) == ((3,), ({3: -0.5},))


def test_read_reply_half_a_character_is_replaced_and_the_answer_kept():
    text = read_reply(json.dumps(content("goods \ud83d!")).encode(), PLAIN).text
    assert text == "goods \N{REPLACEMENT CHARACTER}!"
    assert text.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(usage=JSON, logprobs=JSON, index=JSON, more=JSON)
def test_read_reply_text_never_depends_on_needless_fields(usage, logprobs, index, more):
    body = choice_with(logprobs=logprobs, index=index) | {"usage": usage, "more": more, "error": None}
    assert read_reply(json.dumps(body).encode(), PLAIN).text == "goods"


@settings(max_examples=50)
@given(body=JSON, choice=JSON, message=JSON, content=JSON)
def test_read_reply_any_json_is_an_answer_or_is_refused_as_none(body, choice, message, content):
    last = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    bodies = [body, {"choices": choice}, {"choices": [choice]}, {"choices": [{"message": message}]}, last]
    for one in [*bodies, {"error": body}]:
        with contextlib.suppress(MalformedResponse):
            reply = read_reply(json.dumps(one).encode(), PLAIN)
            assert reply.text.strip() or reply.reasoning.strip(), "what says nothing is no answer"
            assert min(reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) >= 0


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


@pytest.mark.parametrize(
    "message",
    [
        {"content": "goods", "reasoning_content": "they ask for a parcel"},
        {"content": "goods", "reasoning": "they ask for a parcel"},
        {"content": "goods", "reasoning_content": None, "reasoning": "they ask for a parcel"},
        {"content": [THINKING, {"type": "text", "text": "goods"}]},
    ],
)
def test_read_reply_reasoning_beside_the_answer_is_kept_apart(message):
    reply = read_reply(json.dumps(choice_with(message=message)).encode(), PLAIN)
    assert (reply.text, reply.reasoning) == ("goods", "they ask for a parcel")


@pytest.mark.parametrize("given", [None, 7, {"a": 1}, [1]])
def test_read_reply_reasoning_in_an_odd_form_costs_no_answer(given):
    message = {"content": "goods", "reasoning_content": given}
    assert read_reply(json.dumps(choice_with(message=message)).encode(), PLAIN).reasoning == ""


def test_read_reply_choice_behind_reasoning_in_the_text_is_unwrapped():
    message = {"content": '<think>a parcel</think>\n{"answer": "goods"}'}
    reply = read_reply(json.dumps(choice_with(message=message)).encode(), WRAPPED)
    assert (reply.text, reply.reasoning) == ("goods", "a parcel")


def test_read_reply_a_label_in_json_is_as_sure_as_the_label_s_own_tokens():
    spelled = ['{"', "answer", '": "', "card", " pay", "ment", '"}']
    logprobs = {
        "content": [token(text, -0.25 if text.strip() in ("card", "pay", "ment") else -3.0) for text in spelled]
    }
    reply = read_reply(answer('{"answer": "card payment"}', logprobs=logprobs).body, ResponseForm(is_wrapped=True))
    assert reply.text == "card payment"
    assert reply.cumulative_logprob == -0.75


def test_read_reply_a_stop_text_counts_for_nothing():
    # as vLLM's server gives them: ids for texts, the bytes beside; é takes two tokens
    pieces = [(3, b"caf"), (4, b"\xc3"), (5, b"\xa9"), (6, b"\n\n"), (2, b"</s>")]
    logprobs = {
        "content": [
            {"token": f"token_id:{id_}", "logprob": -0.5 if id_ in (3, 4, 5) else -7.0, "bytes": list(said)}
            for id_, said in pieces
        ]
    }
    reply = read_reply(answer("café", logprobs=logprobs).body, PLAIN)
    assert reply.token_ids == (3, 4, 5)
    assert reply.cumulative_logprob == -1.5
    assert [max(step.values()) for step in reply.logprobs] == [-0.5] * 3


def test_read_reply_tokens_that_don_t_spell_the_json_count_all():
    logprobs = {"content": [token("<0x63>", -0.5), token("ar", -0.25)]}
    reply = read_reply(answer('{"answer": "car"}', logprobs=logprobs).body, ResponseForm(is_wrapped=True))
    assert (reply.text, reply.cumulative_logprob) == ("car", -0.75)


def test_read_reply_calls_of_tools_are_an_answer():
    function = {"name": "f", "arguments": '{"a": 1}'}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "x", "type": "function", "function": function}],
    }
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    reply = read_reply(json.dumps(body).encode(), ResponseForm())
    assert reply.text == '<tool_call>\n{"name":"f","arguments":{"a":1}}\n</tool_call>'
    assert reply.finish_reason == "stop"
