import pytest
from jinja2 import TemplateError

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.request import closing_texts, first_token_ids, render, tokenize
from tests.support.word_tokenizer import WordTokenizer


def test_render_turns_go_through_the_template_up_to_the_answer():
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    assert render(WordTokenizer(), turns) == "<system>be brief<user>hi<assistant>"


def test_render_turns_that_the_template_refuses_are_one_message():
    class Strict(WordTokenizer):
        def apply_chat_template(self, turns, tokenize, add_generation_prompt) -> str:
            raise TemplateError("Conversation roles must alternate user/assistant")

    turns = [{"role": "user", "content": "rain?"}, {"role": "tool", "content": "yes"}]
    with pytest.raises(ModelError, match=r"refuses the turns user, tool: Conversation roles must alternate.*minimal"):
        render(Strict(), turns)


def test_render_text_stays_as_it_is():
    assert render(WordTokenizer(), "Message: hi\nLabel:") == "Message: hi\nLabel:"


def test_render_text_gets_the_first_token_that_the_model_expects_and_only_once():
    tokenizer = WordTokenizer(adds_bos=True)
    rendered = render(tokenizer, "Message: hi")
    assert rendered == "<s>Message: hi"
    assert tokenize(tokenizer, rendered).count(1) == 1


def test_first_token_ids_distinct_first_tokens_are_returned_in_order():
    tokenizer = WordTokenizer(adds_bos=True)
    assert first_token_ids(tokenizer, ["car", "pet insurance", "boat"]) == [2, 3, 5]


@pytest.mark.parametrize("labels", [["card lost", "card stolen"], ["car", "car"]])
def test_first_token_ids_shared_first_token_tells_nothing(labels):
    assert first_token_ids(WordTokenizer(), labels) is None


def test_closing_texts_choices_that_stand_apart_end_an_answer():
    assert closing_texts([" car", " pet", " boat"]) == [" car", " pet", " boat"]


@pytest.mark.parametrize("choices", [["card", "card_lost"], ["lost", "card lost"], []])
def test_closing_texts_a_choice_inside_another_ends_nothing(choices):
    assert closing_texts(choices) == []
