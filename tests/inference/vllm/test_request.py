from types import SimpleNamespace

import pytest
from jinja2 import TemplateError
from tokenizers import AddedToken

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.request import closing_texts, first_token_ids, render, shows_special_tokens, tokenize
from tests.support.word_tokenizer import WordTokenizer


def test_render_messages_go_through_the_template():
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    assert render(WordTokenizer(), turns) == "<system>be brief<user>hi<assistant>"


def test_render_messages_refused_by_the_template_are_one_error():
    class Strict(WordTokenizer):
        def apply_chat_template(self, turns, tokenize, add_generation_prompt) -> str:
            raise TemplateError("Conversation roles must alternate user/assistant")

    turns = [{"role": "user", "content": "rain?"}, {"role": "tool", "content": "yes"}]
    with pytest.raises(ModelError, match=r"refuses the turns user, tool: Conversation roles must alternate.*minimal"):
        render(Strict(), turns)


def test_render_text_is_unchanged():
    assert render(WordTokenizer(), "Message: hi\nLabel:") == "Message: hi\nLabel:"


def test_render_text_gets_one_bos_token_if_the_model_expects_it():
    tokenizer = WordTokenizer(adds_bos=True)
    rendered = render(tokenizer, "Message: hi")
    assert rendered == "<s>Message: hi"
    assert tokenize(tokenizer, rendered).count(1) == 1


def test_first_token_ids_distinct_first_tokens_are_returned_in_order():
    tokenizer = WordTokenizer(adds_bos=True)
    found = first_token_ids(tokenizer, ["car", "pet insurance", "boat"])
    assert found == [tokenizer.known[word] for word in ("car", "pet", "boat")]


@pytest.mark.parametrize("labels", [["card lost", "card stolen"], ["car", "car"]])
def test_first_token_ids_shared_first_token_gives_none(labels):
    assert first_token_ids(WordTokenizer(), labels) is None


def test_closing_texts_distinct_choices_end_a_completion():
    assert closing_texts([" car", " pet", " boat"]) == [" car", " pet", " boat"]


@pytest.mark.parametrize("choices", [["card", "card_lost"], ["lost", "card lost"], []])
def test_closing_texts_choice_inside_another_gives_none(choices):
    assert closing_texts(choices) == []


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        ({"</s>": True, "[TOOL_CALLS]": True}, True),
        ({"</s>": True, "[THINK]": True}, True),
        ({"</s>": True, "[TOOL_CALLS]": False, "<tool_call>": False}, False),
        ({}, False),
    ],
)
def test_shows_special_tokens_where_they_mark_reasoning_or_calls(tokens, shown):
    added = {number: AddedToken(text, special=special) for number, (text, special) in enumerate(tokens.items())}
    assert shows_special_tokens(SimpleNamespace(added_tokens_decoder=added)) is shown
