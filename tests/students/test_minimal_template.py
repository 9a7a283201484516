import pytest

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.students.minimal_template import give_template, minimal_template
from stillhouse.students.tokens import encode
from tests.support.families.families import FAMILIES, Family

PROMPT = [{"role": "system", "content": "Name it."}, {"role": "user", "content": "Where is my parcel?"}]
EARLIER = [*PROMPT, {"role": "assistant", "content": "goods"}, {"role": "user", "content": "Why?"}]
ANSWER = [{"role": "assistant", "content": "billing"}]


def tokenizer_of(family: Family):
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=family.tokenizer(), eos_token=family.eos, bos_token=family.bos)


@pytest.mark.parametrize("prompt", [PROMPT, EARLIER])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_minimal_template_every_family_can_be_trained_and_stops_on_its_own_token(family, prompt):
    tokenizer = tokenizer_of(family)
    stops = frozenset(tokenizer.convert_tokens_to_ids(list(family.stops)))
    give_template(tokenizer, family.name, is_minimal=True, stops=stops)
    row = encode(tokenizer, prompt, ANSWER, stops)
    served = list(tokenize(tokenizer, render(tokenizer, prompt)))
    assert row["input_ids"][: len(served)] == served
    assert row["input_ids"][-1] in stops
    assert tokenizer.decode(row["input_ids"][len(served) : -1]) == "billing"
    # in front once, if the family's tokenizer puts it there
    first = tokenizer("a").input_ids[0] == tokenizer.bos_token_id
    assert [token == tokenizer.bos_token_id for token in served[:2]] == [first, False]


def test_minimal_template_is_chatml_where_its_end_of_turn_stops_decoding():
    qwen = next(family for family in FAMILIES if family.name == "Qwen2.5")
    tokenizer = tokenizer_of(qwen)
    end, other = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert minimal_template(tokenizer, frozenset({end, other})) == MINIMAL_CHATML
    # as of a base model, whose vocabulary has the token
    tokenizer.eos_token = "<|endoftext|>"
    assert "'<|endoftext|>' if" in minimal_template(tokenizer, frozenset({other}))


def test_minimal_template_model_without_any_stop_token_is_refused():
    tokenizer = tokenizer_of(FAMILIES[1])
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="names no token that ends an answer"):
        minimal_template(tokenizer, frozenset())


def test_give_template_base_model_is_refused_with_advice_that_works():
    tokenizer = tokenizer_of(FAMILIES[1])
    stops = frozenset({tokenizer.eos_token_id})
    with pytest.raises(ModelError, match=r"m has no chat template.*set student\.chat_template to minimal"):
        give_template(tokenizer, "m", is_minimal=False, stops=stops)
    give_template(tokenizer, "m", is_minimal=True, stops=stops)
    assert encode(tokenizer, PROMPT, ANSWER, stops)


def test_render_messages_without_a_template_is_refused_with_advice_that_works():
    tokenizer = tokenizer_of(FAMILIES[1])
    with pytest.raises(ModelError, match=r"no chat template.*prompt\.layout to text"):
        render(tokenizer, PROMPT)
    assert render(tokenizer, "Message: a\nLabel:") == "<s>Message: a\nLabel:"
