import pytest
from transformers import PreTrainedTokenizerFast

from stillhouse.inference.vllm.request import render
from stillhouse.inference.vllm.system_turn import fold_system_turn
from tests.support.families.families import LLAMA2, MISTRAL, PHI4_MINI
from tests.support.families.tokenizers import sentencepiece

GEMMA = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{{ '<start_of_turn>' + m['role'] + '\n' + m['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
DROPS = "{% for m in messages %}{% if m.role != 'system' %}{{ '<' + m.role + '>' + m.content }}{% endif %}{% endfor %}"
SYSTEM = [{"role": "system", "content": "Name the topic."}]
USER = [{"role": "user", "content": "Where?"}]
LATER = [*USER, {"role": "assistant", "content": "goods"}, {"role": "user", "content": "Why?"}]


def tokenizer_with(template: str):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=sentencepiece([]), bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("turns", [USER, LATER])
@pytest.mark.parametrize("template", [GEMMA, MISTRAL, DROPS])
def test_fold_system_turn_its_text_stands_before_the_first_user_turn(template, turns):
    tokenizer = tokenizer_with(template)
    plain = render(tokenizer, turns)
    folded = [{"role": "user", "content": "Name the topic.\n\nWhere?"}, *turns[1:]]
    expected = render(tokenizer, folded)
    fold_system_turn(tokenizer)
    assert render(tokenizer, [*SYSTEM, *turns]) == expected
    assert render(tokenizer, turns) == plain


@pytest.mark.parametrize("template", [LLAMA2, PHI4_MINI])
def test_fold_system_turn_a_template_that_shows_it_stays(template):
    tokenizer = tokenizer_with(template)
    fold_system_turn(tokenizer)
    assert tokenizer.chat_template == template


def test_fold_system_turn_a_template_that_refuses_all_else_too_stays():
    template = "{{ raise_exception('no') }}"
    tokenizer = tokenizer_with(template)
    fold_system_turn(tokenizer)
    assert tokenizer.chat_template == template


def test_fold_system_turn_named_templates_all_take_it_and_none_is_no_matter():
    tokenizer = tokenizer_with({"default": GEMMA, "tool_use": GEMMA})
    fold_system_turn(tokenizer)
    assert all(text.endswith(GEMMA) and text != GEMMA for text in tokenizer.chat_template.values())
    tokenizer.chat_template = None
    fold_system_turn(tokenizer)
    assert tokenizer.chat_template is None
