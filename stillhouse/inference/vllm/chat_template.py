"""A model's chat template with the recipe's arguments and date fixed in it.

They become defaults in the template's own text. So an exported student carries them, and every server that renders its
template gives the prompts it was trained on. A template that needs neither stays as it is, byte for byte.
"""

import datetime
import re
from typing import Any

from pydantic import Field

from stillhouse.config import StrictModel
from stillhouse.errors import ModelError
from stillhouse.recipe.chat_template import DEFAULT_DATE

# Python's directives of a day; a fixed day is at midnight
_DIRECTIVES = ("-d", "-m", "-I", "-H", *"aAbBcdDeFGhHIjmMpSuUVwWxXyY")


class TemplateSettings(StrictModel):
    """What a chat template is told, besides the turns."""

    chat_template_kwargs: dict[str, Any] = Field({})
    template_date: str = DEFAULT_DATE


def settings_of(model: Any) -> TemplateSettings:
    """Return the settings in a recipe's teacher, judge or student, or in a spec that has these fields."""
    return TemplateSettings(**{name: getattr(model, name) for name in TemplateSettings.model_fields})


def fix_settings(tokenizer: Any, settings: TemplateSettings) -> None:
    """Write `settings` into the tokenizer's chat template, in place.

    Raises:
        ModelError: the template reads none of the name of an argument, or there is no template.
    """
    texts = _texts(tokenizer)
    for name in settings.chat_template_kwargs:
        if not reads(tokenizer, name):
            raise ModelError(
                f"chat_template_kwargs sets {name}, which the model's chat template does not read"
                f"{_known_switches(' '.join(texts.values()))}. Leave it out, or correct its name."
            )
    fixed = {name: with_settings(text, settings) for name, text in texts.items()}
    if fixed != texts:
        tokenizer.chat_template = fixed if isinstance(tokenizer.chat_template, dict) else fixed[""]


def reads(tokenizer: Any, name: str) -> bool:
    """Return whether the tokenizer's chat template names `name`."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for text in _texts(tokenizer).values())


def _texts(tokenizer: Any) -> dict[str, str]:
    """Return the tokenizer's chat templates by name; most have one, without a name."""
    template = getattr(tokenizer, "chat_template", None)
    return template if isinstance(template, dict) else {"": template or ""}


def with_settings(template: str, settings: TemplateSettings) -> str:
    """Return `template` with its arguments' defaults and its date set before its first line."""
    day = datetime.datetime.fromisoformat(settings.template_date)
    defaults = dict(settings.chat_template_kwargs)
    if "date_string" in template and settings.template_date != DEFAULT_DATE:
        # Llama's templates take the day as text, in this form
        defaults.setdefault("date_string", day.strftime("%d %b %Y"))
    lines = [
        f"{{%- set {name} = {name} if {name} is defined else {_literal(value)} %}}" for name, value in defaults.items()
    ]
    if "strftime_now" in template:
        lines.append(_clock(template, day))
    return "".join(f"{line}\n" for line in lines) + template


def with_lead(template: str, lead: str) -> str:
    """Return `template` with `lead` behind every generation prompt."""
    # Jinja leaves the last newline of a template out; it must not come back before the lead
    shown = template.removesuffix("\n")
    return shown + "{% if add_generation_prompt %}{{ " + _literal(lead) + " }}{% endif %}"


def _clock(template: str, day: datetime.datetime) -> str:
    """Return a macro that stands in for the function `strftime_now` that a server gives its templates."""
    known = [directive for directive in _DIRECTIVES if f"%{directive}" in template]
    filters = "".join(f" | replace('%{one}', {_literal(day.strftime(f'%{one}'))})" for one in known)
    return f"{{%- macro strftime_now(format) %}}{{{{ format{filters} }}}}{{% endmacro %}}"


def _literal(value: Any) -> str:
    """Return a JSON value as Jinja writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"
    return repr(value)


def _known_switches(template: str) -> str:
    """Return a hint at the arguments that templates of reasoning models have, as far as this one names them."""
    usual = ("enable_thinking", "thinking", "reasoning_effort", "preserve_thinking", "date_string")
    found = [name for name in usual if re.search(rf"\b{name}\b", template)]
    return f" (it reads {', '.join(found)})" if found else ""
