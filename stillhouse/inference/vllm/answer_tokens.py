"""Which tokens of a completion are its answer: not the ends of turns and texts, and not the reasoning before it."""

from typing import Any

from stillhouse.completions.table import AnswerForm
from stillhouse.reasoning import ENDS_REASONING


def answer_form(tokenizer: Any, label_token_ids: list[int] | None, constraint: dict[str, Any]) -> AnswerForm:
    """Return what is known of the answers that a model with this tokenizer gives under `constraint`."""
    added = tokenizer.added_tokens_decoder.items()
    return AnswerForm(
        label_token_ids=label_token_ids,
        special_token_ids=frozenset(id_ for id_, token in added if token.special),
        reasoning_end_ids=frozenset(id_ for id_, token in added if str(token) in ENDS_REASONING),
        is_closed="choice" in constraint,
    )
