"""Training rows as token ids, with a mask of the tokens to learn.

A row's prompt is tokenised exactly as a server does it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stillhouse.data.row import Messages
from stillhouse.errors import DataError, ModelError
from stillhouse.inference.vllm.request import through_template


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows {id, prompt, completion} of a JSONL file.

    Raises:
        DataError: the file is missing, or holds no rows.
    """
    if not path.is_file():
        raise DataError(f"No training rows at {path}.")
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
    if not rows:
        raise DataError(f"{path} holds no rows: nothing to train on. See what the filters dropped.")
    return rows


def stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the token ids on which decoding of `model` ends."""
    declared = model.generation_config.eos_token_id
    several = declared if isinstance(declared, list) else [declared]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)


def encode(tokenizer: Any, prompt: Messages, completion: Messages, stops: frozenset[int]) -> dict[str, list[int]]:
    """Return `input_ids` and `completion_mask` (1 = counts in the loss) of one row, ending on a stop token.

    The prompt is tokenised alone, as a server does it, and the completion after it, so that no token spans both.

    Raises:
        ModelError: the chat template refuses the turns, renders the prompt differently if an answer follows, or does
            not end an answer with a token that decoding stops on.
    """
    shown = through_template(tokenizer, prompt, add_generation_prompt=True)
    whole = through_template(tokenizer, [*prompt, *completion], add_generation_prompt=False)
    if not whole.startswith(shown):
        raise ModelError(
            "The student's chat template renders a prompt differently if its answer follows, so training would see "
            f"other prompts than serving does. The served prompt ends with {shown[-80:]!r}. Give a template that keeps "
            "the prompt, such as chat_template: minimal."
        )
    prompt_ids = tokenizer(shown, add_special_tokens=False)["input_ids"]
    answer_ids = tokenizer(whole[len(shown) :], add_special_tokens=False)["input_ids"]
    ends = [position for position, token in enumerate(answer_ids) if token in stops]
    if not ends:
        raise ModelError(
            f"The student's chat template ends an answer with {whole[-20:]!r}, without any of the model's stop "
            f"tokens {sorted(stops)}, so the student would never stop. Give a template whose end-of-turn token is one."
        )
    # what follows the stop token (a newline in many templates) is never decoded, so it is not learnt
    answer_ids = answer_ids[: ends[-1] + 1]
    mask = [0] * len(prompt_ids) + [1] * len(answer_ids)
    return {"input_ids": prompt_ids + answer_ids, "completion_mask": mask}


def encode_rows(
    tokenizer: Any, rows: list[dict[str, Any]], stops: frozenset[int], max_length: int
) -> tuple[list[dict[str, list[int]]], int]:
    """Return (encoded rows of at most `max_length` tokens, number of longer rows left out).

    Raises:
        DataError: every row is too long.
        ModelError: as `encode`.
    """
    encoded = [encode(tokenizer, row["prompt"], row["completion"], stops) for row in rows]
    fitting = [row for row in encoded if len(row["input_ids"]) <= max_length]
    if not fitting:
        shortest = min(len(row["input_ids"]) for row in encoded)
        raise DataError(
            f"All {len(rows)} rows are longer than training.max_length = {max_length} tokens (the shortest has "
            f"{shortest}): raise training.max_length."
        )
    return fitting, len(encoded) - len(fitting)
