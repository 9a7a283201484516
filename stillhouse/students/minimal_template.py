"""A chat template for a student whose base has none, or whose own template says more than a short message needs."""

from typing import Any

from stillhouse.errors import ModelError
from stillhouse.recipe.student import MINIMAL_CHATML

_START, _END = "<|im_start|>", "<|im_end|>"
# for vocabularies without ChatML's tokens; an answer ends on a token that decoding of the model stops on
_PLAIN = (
    "{% for message in messages %}"
    "{{ ('' if loop.first else '\n\n') + '### ' + message['role'] | capitalize + ':\n' + message['content'] }}"
    "{{ 'END' if message['role'] == 'assistant' else '' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n\n### Assistant:\n' }}{% endif %}"
)


def minimal_template(tokenizer: Any, stops: frozenset[int]) -> str:
    """Return ChatML where its end of turn is one of the `stops`, else plain headings and the model's own end token.

    Raises:
        ModelError: decoding of the model stops on no token.
    """
    vocabulary = tokenizer.get_vocab()
    if _START in vocabulary and vocabulary.get(_END) in stops:
        return MINIMAL_CHATML
    own = tokenizer.eos_token_id
    end = own if own in stops else min(stops, default=None)
    if end is None:
        raise ModelError(
            "The student's base model names no token that ends an answer: give its tokenizer_config.json an eos_token, "
            "or its generation_config.json an eos_token_id."
        )
    ids = tokenizer("a").input_ids
    begins = bool(ids) and ids[0] == tokenizer.bos_token_id
    ending = tokenizer.convert_ids_to_tokens(end).replace("\\", "\\\\").replace("'", "\\'")
    return ("{{ bos_token }}" if begins else "") + _PLAIN.replace("END", ending)


def give_template(tokenizer: Any, name: str, *, is_minimal: bool, stops: frozenset[int]) -> None:
    """Give the tokenizer of the student made of model `name` its chat template, in place.

    Raises:
        ModelError: there is none, or a minimal one can't be made.
    """
    if is_minimal:
        tokenizer.chat_template = minimal_template(tokenizer, stops)
    if not tokenizer.chat_template:
        raise ModelError(f"{name} has no chat template, as most base models: set student.chat_template to minimal.")
