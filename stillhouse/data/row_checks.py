"""The checks of validate that look at one row alone."""

from collections.abc import Sequence
from typing import NamedTuple

from stillhouse.data.label_names import listed

Conversation = Sequence[tuple[str, str]]

# role of a turn -> roles that may come before it; "" is the start
_MAY_FOLLOW = {
    "system": ("", "system"),
    "user": ("", "system", "assistant", "tool"),
    "assistant": ("user", "tool"),
    "tool": ("assistant", "tool"),
}


class Drop(NamedTuple):
    """Why a row is dropped: a reason in one word, and what was received."""

    reason: str
    detail: str


def check_prompt(turns: Conversation, max_chars: int, *, is_dialogue: bool = False) -> Drop | None:
    """Return why the conversation can't be a prompt, or None: roles and their order, emptiness, length (characters).

    A dialogue may also end with the assistant's reply, which is then its reference, or with a tool's result.
    """
    before = ""
    for position, (role, _) in enumerate(turns):
        if before not in _MAY_FOLLOW.get(role, ()):
            roles = ", ".join([name for name, _ in turns])
            return Drop("wrong_roles", f"turn {position} is {role!r} after {before or 'the start'!r}; roles: {roles}")
        before = role
    if before != "user" and not (is_dialogue and before in ("assistant", "tool")):
        return Drop("wrong_roles", f"the last turn is {before!r}; a prompt ends with the user's")
    content = turns[-1][1]
    if not content or content.isspace():
        return Drop("empty_prompt", f"the last {before} turn is blank")
    length = len(content) if len(turns) == 1 else sum(len(text) for _, text in turns)
    if length > max_chars:
        return Drop("prompt_too_long", f"{length} characters, at most {max_chars}")
    return None


def check_references(references: Sequence[str], required: bool) -> Drop | None:
    """Return why a row of a skill without labels can't be used, or None: labelled and test rows need a reference."""
    if required and not references:
        return Drop("reference_missing", "a row of this source needs a reference")
    return None


def check_label(label: str | None, allowed: frozenset[str], required: bool) -> Drop | None:
    """Return why the label is wrong, or None. An empty `allowed` allows all."""
    if label is None:
        return Drop("label_missing", "a row of this source needs a label") if required else None
    if allowed and label not in allowed:
        return Drop("unknown_label", f"{label!r} is not in skill.labels ({listed(sorted(allowed))})")
    return None
