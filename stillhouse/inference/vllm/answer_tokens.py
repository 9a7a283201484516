"""Which tokens of a completion are its answer: not the ends of turns and texts, and not the reasoning before it."""

from collections.abc import Sequence
from typing import Any

from stillhouse.completions.table import AnswerForm
from stillhouse.errors import ModelError
from stillhouse.inference.vllm.request import closing_texts
from stillhouse.reasoning import ENDS_REASONING
from stillhouse.recipe.teacher import Sampling


def answer_form(tokenizer: Any, label_token_ids: list[int] | None, constraint: dict[str, Any]) -> AnswerForm:
    """Return what is known of the answers that a model with this tokenizer gives under `constraint`."""
    added = tokenizer.added_tokens_decoder.items()
    return AnswerForm(
        label_token_ids=label_token_ids,
        special_token_ids=frozenset(id_ for id_, token in added if token.special),
        reasoning_end_ids=frozenset(id_ for id_, token in added if str(token) in ENDS_REASONING),
        is_closed="choice" in constraint,
    )


def num_spelling(tokenizer: Any, token_ids: Sequence[int], text: str, *, with_special_tokens: bool = False) -> int:
    """Return how many of the first tokens spell `text`, which an engine cut before a stop text; all if none do."""

    def spells(count: int) -> bool:
        return text in tokenizer.decode(list(token_ids[:count]), skip_special_tokens=not with_special_tokens)

    count = len(token_ids)
    if not spells(count):
        return count
    # a stop text takes few tokens, so the search begins at the end
    while count and spells(count - 1):
        count -= 1
    return count


def tokens_needed(tokenizer: Any, choices: Sequence[str], stop: Sequence[str] = ()) -> int:
    """Return how many tokens the longest of `choices` takes with its end; 0 if there are none."""
    if not choices:
        return 0
    end = 0 if closing_texts(list(choices)) and not stop else 1
    return max(len(tokenizer(choice, add_special_tokens=False).input_ids) for choice in choices) + end


def check_room(tokenizer: Any, choices: Sequence[str], sampling: Sampling, model: str) -> None:
    """Return if a completion has room for each of `choices`.

    Raises:
        ModelError: it would be cut, and could not be read.
    """
    needed = tokens_needed(tokenizer, choices, sampling.stop)
    if needed > sampling.max_tokens:
        longest = max(choices, key=lambda choice: tokens_needed(tokenizer, [choice], sampling.stop))
        raise ModelError(
            f"{longest.strip()!r} takes {needed} tokens of {model}, and sampling.max_tokens: {sampling.max_tokens} "
            f"would cut it, so that it is no answer. Set that teacher's sampling.max_tokens to {needed} or more."
        )
