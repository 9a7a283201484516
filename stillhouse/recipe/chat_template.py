"""What a recipe says to a model's chat template: its arguments, and the date that it may show."""

import datetime
import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

# the day that Llama's templates name where they are given none: so those that ask for the date show this one too
DEFAULT_DATE = "2024-07-26"
# what every template is given by the program that renders it
_RESERVED = frozenset(
    ("messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template", "tokenize")
) | {"strftime_now", "raise_exception"}

KWARGS_DESCRIPTION = (
    "arguments of the model's chat template, as {enable_thinking: false} or {reasoning_effort: low}; a name that the "
    "template does not read is refused"
)
DATE_DESCRIPTION = "the day that a chat template shows as today's, so that a prompt is the same on every day"


def _check_kwargs(value: dict[str, Any]) -> dict[str, Any]:
    if reserved := sorted(_RESERVED & set(value)):
        raise ValueError(f"{', '.join(reserved)} is what each request sets itself: leave it out")
    if wrong := [name for name in value if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)]:
        raise ValueError(f"{wrong[0]!r} can't be the name of an argument: use letters, digits and _")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"an argument is text, a number, true, false, null, or a list or mapping of these: {error}"
        ) from None
    return value


def _iso_date(value: Any) -> Any:
    if isinstance(value, datetime.date):  # as YAML reads it without quotes
        return value.isoformat()[:10]
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no date: write YYYY-MM-DD, as {DEFAULT_DATE}") from None


TemplateKwargs = Annotated[dict[str, Any], AfterValidator(_check_kwargs)]
TemplateDate = Annotated[str, BeforeValidator(_iso_date)]
