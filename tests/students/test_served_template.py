from typing import Any

import pytest

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.chat_template import TemplateSettings
from stillhouse.inference.vllm.request import continuation_ids, first_token_ids, render
from stillhouse.reasoning import opened_block, split_reasoning
from stillhouse.students.served_template import prepare_template, serve_without_reasoning
from stillhouse.students.spec import InitialiseSpec
from stillhouse.students.tokens import encode
from tests.support.chat_templates import (
    DEEPSEEK_R1,
    GPT_OSS,
    LLAMA3_2,
    MISTRAL,
    NEMOTRON,
    PHI3,
    QWEN3,
    QWEN3_5,
    STOPS,
    TemplatedTokenizer,
    byte_level,
    sentencepiece,
)

TURNS = [{"role": "user", "content": "Where is my parcel?"}]
EARLIER = [*TURNS, {"role": "assistant", "content": "delivery"}, *TURNS]
EMPTY = "<think>\n\n</think>\n\n"


def spec(**fields: Any) -> InitialiseSpec:
    return InitialiseSpec(base_model="base", out="out", **fields)


def student(tokenizer: TemplatedTokenizer, **fields: Any) -> TemplatedTokenizer:
    prepare_template(tokenizer, spec(**fields))
    return tokenizer


def answer(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def learnt(tokenizer: TemplatedTokenizer, turns: Any = TURNS, text: str = "boat") -> list[str]:
    row = encode(tokenizer, turns, answer(text), tokenizer.ids(*STOPS))
    return tokenizer.tokens(id_ for id_, mask in zip(row["input_ids"], row["completion_mask"], strict=True) if mask)


@pytest.mark.parametrize("turns", [TURNS, EARLIER])
@pytest.mark.parametrize(
    ("template", "served", "stop"),
    [
        (QWEN3, f"assistant\n{EMPTY}", "<|im_end|>"),
        (QWEN3_5, f"assistant\n{EMPTY}", "<|im_end|>"),
        (NEMOTRON, "assistant\n<think></think>", "<|im_end|>"),
        (DEEPSEEK_R1, f"<|assistant|>{EMPTY}", "</s>"),
        (GPT_OSS, "<|start|>assistant<|channel|>final<|message|>", "<|return|>"),
        (LLAMA3_2, "<|header|>assistant\n\n", "<|eot_id|>"),
        (PHI3, "<|assistant|>\n", "<|end|>"),
    ],
)
def test_prepare_template_student_is_served_up_to_its_answer_and_learns_that_alone(template, served, stop, turns):
    tokenizer = student(byte_level(template))
    assert render(tokenizer, turns).endswith(served)
    assert learnt(tokenizer, turns) == [*tokenizer.tokens(continuation_ids(tokenizer, ["boat"])[0]), stop]


@pytest.mark.parametrize("template", [QWEN3, QWEN3_5, NEMOTRON, DEEPSEEK_R1, GPT_OSS, LLAMA3_2, PHI3])
def test_encode_row_is_the_served_prompt_with_the_decoded_answer_behind_it(template):
    tokenizer = student(byte_level(template))
    row = encode(tokenizer, TURNS, answer("boat"), tokenizer.ids(*STOPS))
    num_prompt = row["completion_mask"].index(1)
    assert row["input_ids"][:num_prompt] == tokenizer(render(tokenizer, TURNS)).input_ids
    assert tokenizer.tokenizer.decode(row["input_ids"][num_prompt:]) == "boat"


def test_serve_without_reasoning_an_untrained_model_writes_the_space_before_an_answer_itself():
    trained, untrained = byte_level(MISTRAL), byte_level(MISTRAL)
    serve_without_reasoning(trained, TemplateSettings())
    serve_without_reasoning(untrained, TemplateSettings(), is_trained=False)
    assert render(trained, TURNS).endswith("[/INST] ")
    assert render(untrained, TURNS).endswith("[/INST]")


def test_prepare_template_argument_of_the_recipe_wins_and_the_block_is_closed_all_the_same():
    tokenizer = student(byte_level(QWEN3_5), chat_template_kwargs={"enable_thinking": True})
    assert render(tokenizer, TURNS).endswith(f"assistant\n{EMPTY}")


@pytest.mark.parametrize("template", [MISTRAL, PHI3])
def test_encode_sentencepiece_learns_a_token_that_a_grammar_of_the_label_allows(template):
    tokenizer = student(sentencepiece(template))
    first = learnt(tokenizer, text="billing")[0]
    # a grammar of the choice "billing" allows the tokens that it begins with, and no space before it
    assert "billing".startswith(first), first


@pytest.mark.parametrize("kind", [byte_level, sentencepiece])
def test_first_token_ids_are_those_that_training_shows_and_a_grammar_allows(kind):
    tokenizer = student(kind(PHI3))
    found = first_token_ids(tokenizer, ["billing", "delivery"])
    assert tokenizer.tokens(found) == [learnt(tokenizer, text=label)[0] for label in ("billing", "delivery")]
    assert "billing".startswith(tokenizer.tokens(found)[0])


def test_continuation_ids_sentencepiece_space_that_is_in_the_text_stays():
    tokenizer = sentencepiece(PHI3)
    ids = continuation_ids(tokenizer, [" billing", "billing"])
    assert ["".join(tokenizer.tokens(one)) for one in ids] == ["▁billing", "billing"]


@pytest.mark.parametrize("end", ["<|end|>\n<|endoftext|>", "<|end|>", "<|end|>\n"])
def test_encode_several_stop_tokens_the_first_is_learnt_and_nothing_behind_it(end):
    template = "{% for m in messages %}{{ '<|user|>' + m.content + '" + end + "' }}{% endfor %}"
    tokenizer = byte_level(template)
    assert learnt(tokenizer)[-1:] == ["<|end|>"]
    assert learnt(tokenizer).count("<|endoftext|>") == 0


def test_encode_template_that_trims_answers_teaches_the_trimmed_answer():
    tokenizer = student(byte_level(LLAMA3_2))
    assert learnt(tokenizer, text="  boat\n") == learnt(tokenizer, text="boat")


def test_encode_prompt_that_changes_with_its_answer_is_refused_with_both_texts_and_the_way_out():
    template = QWEN3.replace("{% for m", "{{ 'answered' if messages[-1].role == 'assistant' else 'open' }}{% for m")
    message = r"Served: 'open<.*With its answer: 'answered<.*enable_thinking: false.*chat_template: minimal"
    with pytest.raises(ModelError, match=message):
        learnt(student(byte_level(template)))


def test_encode_template_that_does_not_show_text_is_refused():
    parts = "{% for m in messages %}<|user|>{% for p in m.content %}{{ p.text }}{% endfor %}<|end|>{% endfor %}"
    with pytest.raises(ModelError, match="does not show the answer 'boat'"):
        learnt(byte_level(parts))


THOUGHT = "It floats.\nSo it is one."


def taught(tokenizer: TemplatedTokenizer, reasoning: str = THOUGHT) -> str:
    """Return what a row with reasoning teaches."""
    turn = {"role": "assistant", "content": "boat", "reasoning": reasoning}
    row = encode(tokenizer, TURNS, [turn], tokenizer.ids(*STOPS))
    ids = [id_ for id_, mask in zip(row["input_ids"], row["completion_mask"], strict=True) if mask]
    return str(tokenizer.tokenizer.decode(ids, skip_special_tokens=False))


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (QWEN3, "<think>\n{}\n</think>\n\nboat<|im_end|>"),
        (QWEN3_5, "{}\n</think>\n\nboat<|im_end|>"),
        (
            NEMOTRON.replace("<think>\n' }}{% endif %}{% endif %}", "<think>' }}{% endif %}{% endif %}"),
            "{}</think>boat<|im_end|>",
        ),
        (DEEPSEEK_R1, "{}\n</think>\n\nboat</s>"),
        (
            GPT_OSS,
            "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>boat<|return|>",
        ),
    ],
)
def test_encode_reasoning_that_is_kept_is_taught_where_the_template_has_its_place(template, written):
    tokenizer = student(byte_level(template), reasoning="keep")
    stops = tokenizer.ids("<|im_end|>", "</s>", "<|return|>")
    turn = {"role": "assistant", "content": "boat", "reasoning": THOUGHT}
    row = encode(tokenizer, TURNS, [turn], stops)
    ids = [id_ for id_, mask in zip(row["input_ids"], row["completion_mask"], strict=True) if mask]
    shown = tokenizer.tokenizer.decode(ids, skip_special_tokens=False)
    assert shown == written.format(THOUGHT)
    opened = opened_block(render(tokenizer, TURNS))
    assert split_reasoning(opened + shown.split("<|im_end|>")[0].removesuffix("</s>")) == ("boat", THOUGHT)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (QWEN3, "<think>\n\n</think>\n\nboat<|im_end|>"),
        (DEEPSEEK_R1, "\n</think>\n\nboat</s>"),
        (NEMOTRON, "\n</think>\n\nboat<|im_end|>"),
    ],
)
def test_encode_row_without_reasoning_among_those_with_it_teaches_an_empty_block(template, written):
    assert taught(student(byte_level(template), reasoning="keep"), "") == written


@pytest.mark.parametrize("template", [PHI3, LLAMA3_2])
def test_encode_reasoning_without_a_place_in_the_template_is_refused(template):
    with pytest.raises(ModelError, match=r"no place for the reasoning.*training\.reasoning to drop"):
        taught(student(byte_level(template), reasoning="keep"))
