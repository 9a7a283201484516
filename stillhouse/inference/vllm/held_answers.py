"""Refuses a model whose chat template opens a block of reasoning in front of an answer that decoding holds to a form.

The form would hold from the first token on: the answer would stand inside the block, or the model could not think.
"""

from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.chat_template import reads
from stillhouse.inference.vllm.request import through_template
from stillhouse.reasoning import opened_block
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.skills.skill import Skill

_ASKED = [{"role": "user", "content": "What is it?"}]
# what templates call the switch
_SWITCHES = ("enable_thinking", "thinking")


def is_held(model: ServedModel, skill: Skill) -> bool:
    """Return whether decoding holds the answers of a teacher, or of a judge, to a form."""
    if not isinstance(model, Teacher):
        return True
    return bool(skill.constraint(("a", "b"))) if model.output.kind == "skill" else model.output.kind != "free"


def check_held(tokenizer: Any, model: str) -> None:
    """Return if the template, with its settings fixed, leaves an answer that is held to a form its place.

    Raises:
        ModelError: it opens a block of reasoning before the answer.
    """
    mark = opened_block(through_template(tokenizer, _ASKED, add_generation_prompt=True))
    if mark:
        raise ModelError(
            f"The chat template of {model} opens {mark} before the answer, and decoding holds the answer to a "
            f"fixed form, so that it could be no reasoning and no answer. {_advice(tokenizer)}"
        )


def _advice(tokenizer: Any) -> str:
    for name in _SWITCHES:
        if reads(tokenizer, name) and not _opens(tokenizer, name):
            return f"Set that model's chat_template_kwargs: {{{name}: false}}."
    return (
        "Take a model that answers without reasoning; a teacher can have output.kind: free instead, which reads the "
        "answer behind the reasoning."
    )


def _opens(tokenizer: Any, switch: str) -> bool:
    """Return whether the template opens a block with `switch` off as well."""
    shown = tokenizer.apply_chat_template(_ASKED, tokenize=False, add_generation_prompt=True, **{switch: False})
    return bool(opened_block(shown))
