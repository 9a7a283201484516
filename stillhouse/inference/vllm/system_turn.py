"""Lets a chat template take a system turn that it refuses or leaves out, as templates of Gemma and Mistral do."""

from typing import Any

from jinja2 import TemplateError

# as the later templates of these families do it: the system's text stands before the first user's
_FOLD = (
    "{%- if messages and messages[0]['role'] == 'system' and messages[0]['content'] is string and messages[1:]"
    " and messages[1]['role'] == 'user' and messages[1]['content'] is string %}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content'] + '\\n\\n' + messages[1]['content']}]"
    " + messages[2:] %}{%- endif %}\n"
)
_PROBE = "a-system-turn"


def fold_system_turn(tokenizer: Any) -> None:
    """Have the tokenizer's chat template put a system turn before the first user turn, in place, if it can't show one.

    The change is in the template's own text, so an exported student's servers do the same.
    """
    template = getattr(tokenizer, "chat_template", None)
    if not template or _shows_system(tokenizer):
        return
    is_named = isinstance(template, dict)
    tokenizer.chat_template = {name: _FOLD + text for name, text in template.items()} if is_named else _FOLD + template
    if not _shows_system(tokenizer):
        tokenizer.chat_template = template


def _shows_system(tokenizer: Any) -> bool:
    turns = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "a"}]
    try:
        return _PROBE in tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except (TemplateError, TypeError, ValueError):
        return False
