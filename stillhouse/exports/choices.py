"""The labels of a skill as token ids behind a prompt."""

from collections.abc import Sequence
from typing import Any

from stillhouse.exports.runtime import differ_at_once
from stillhouse.inference.vllm.request import continuation_ids


def choice_ids(tokenizer: Any, texts: Sequence[str], stop_id: int) -> list[list[int]]:
    """Return the token ids of each text, with the stop token where one text is the beginning of another.

    Without it the shorter of two such texts would never be the less probable.
    """
    found = continuation_ids(tokenizer, texts)
    if differ_at_once(found):
        return found
    begins = any(one != other and other[: len(one)] == one for one in found for other in found)
    return [[*ids, stop_id] for ids in found] if begins else found


def inner_prefixes(choices: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return each beginning of a choice that a token of a choice follows, so that all can be read off one walk.

    They are in the order of a walk through their tree: each but the first, the empty one, adds a token to one before
    it, and an engine whose cache is cut back to that one is right where it begins.
    """
    return sorted({tuple(choice[:length]) for choice in choices for length in range(len(choice))})
