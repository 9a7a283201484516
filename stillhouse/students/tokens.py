"""Training rows as token ids, with a mask of the tokens to learn.

A row's prompt is tokenised exactly as a server does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from stillhouse.data.row import Messages
from stillhouse.errors import DataError, ModelError
from stillhouse.inference.vllm.request import continuation_ids, through_template, tokenize
from stillhouse.students.base_model import ordered_stops
from stillhouse.students.row_file import keep_on_disk
from stillhouse.students.served_template import target_text

Rows = Sequence[dict[str, Any]]  # token ids, and which of them count


class Marks(Protocol):
    """What labels the tokens of rows, which it is given in their order."""

    def mark(self, row: Mapping[str, Any], encoded: Mapping[str, list[int]]) -> dict[str, list[int]]:
        """Return `input_ids` and `labels` of a row; `encoded` has its token ids and their mask."""


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows {id, prompt, completion} of a JSONL file.

    Raises:
        DataError: the file is missing, or holds no rows.
    """
    return list(iterate_rows(path))


def iterate_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of `read_rows` one at a time."""
    if not path.is_file():
        raise DataError(f"No training rows at {path}.")
    is_empty = True
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                is_empty = False
                yield json.loads(line)
    if is_empty:
        raise DataError(f"{path} holds no rows: nothing to train on. See what the filters dropped.")


def stop_ids(generation: Any, tokenizer: Any) -> frozenset[int]:
    """Return the token ids on which decoding of a model with the configuration `generation` ends."""
    return frozenset(ordered_stops(generation, tokenizer))


def encode(tokenizer: Any, prompt: Messages, completion: Messages, stops: frozenset[int]) -> dict[str, list[int]]:
    """Return `input_ids` and `completion_mask` (1 = counts in the loss) of one row, ending on a stop token.

    The prompt has the tokens that a server gives the model, and the completion those that decoding writes behind it:
    no token spans both, and no space stands before the answer that the template has not put there.

    Raises:
        ModelError: the chat template refuses the turns, does not go on from the served prompt, or does not end an
            answer with a token that decoding stops on.
    """
    shown = through_template(tokenizer, prompt, add_generation_prompt=True)
    target = target_text(tokenizer, shown, prompt, completion)
    prompt_ids = list(tokenize(tokenizer, shown))
    (answer_ids,) = continuation_ids(tokenizer, [target])
    end = next((position for position, token in enumerate(answer_ids) if token in stops), None)
    if end is None:
        raise ModelError(
            f"The student's chat template ends an answer with {target[-20:]!r}, without any of the model's stop "
            f"tokens {sorted(stops)}, so the student would never stop. Give a template whose end-of-turn token is one, "
            "such as chat_template: minimal."
        )
    # decoding ends there: what templates write behind it (a newline, a second end token) is never decoded
    answer_ids = answer_ids[: end + 1]
    mask = [0] * len(prompt_ids) + [1] * len(answer_ids)
    return {"input_ids": prompt_ids + answer_ids, "completion_mask": mask}


def encode_rows(
    tokenizer: Any,
    rows: Iterable[dict[str, Any]],
    stops: frozenset[int],
    max_length: int,
    marks: Marks | None = None,
    *,
    into: Path | None = None,
) -> tuple[Rows, int]:
    """Return (encoded rows of at most `max_length` tokens, number of longer rows left out).

    With `marks`, rows have `labels` in place of the mask, which may point to what the teacher says of a token. With
    `into`, rows are read and encoded one at a time, and lie in that file.

    Raises:
        DataError: every row is too long.
        ModelError: as `encode`.
    """
    lengths: list[int] = []

    def fitting() -> Iterator[dict[str, list[int]]]:
        for row in rows:
            encoded = encode(tokenizer, row["prompt"], row["completion"], stops)
            marked = encoded if marks is None else marks.mark(row, encoded)
            lengths.append(len(marked["input_ids"]))
            if lengths[-1] <= max_length:
                yield marked

    kept: Rows = keep_on_disk(fitting(), into) if into else list(fitting())
    if not len(kept):
        raise DataError(
            f"All {len(lengths)} rows are longer than training.max_length = {max_length} tokens (the shortest has "
            f"{min(lengths)}): raise training.max_length."
        )
    return kept, len(lengths) - len(kept)
