"""Pairs of answers as token ids: of the prompt as it is served, and of both answers behind it.

Imported in the engine environment only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stillhouse.errors import DataError
from stillhouse.students.row_file import keep_on_disk
from stillhouse.students.tokens import Rows, encode

COLUMNS = ("prompt_ids", "chosen_ids", "rejected_ids")  # TRL's names


def read_pairs(path: str) -> Iterator[dict[str, Any]]:
    """Yield the pairs {id, prompt, chosen, rejected} of a JSONL file, which may be empty."""
    with Path(path).open("rb") as file:
        yield from (json.loads(line) for line in file if line.strip())


def encode_pair(tokenizer: Any, pair: dict[str, Any], stops: frozenset[int]) -> dict[str, list[int]]:
    """Return a pair {prompt, chosen, rejected} as COLUMNS: the tokens of supervised training, each answer to its stop.

    Raises:
        ModelError: as `encode`.
    """
    ids = {name: encode(tokenizer, pair["prompt"], pair[name], stops) for name in ("chosen", "rejected")}
    starts = {name: found["completion_mask"].index(1) for name, found in ids.items()}
    prompts = [found["input_ids"][: starts[name]] for name, found in ids.items()]
    assert prompts[0] == prompts[1], "a prompt's tokens do not depend on its answer"
    answers = {f"{name}_ids": found["input_ids"][starts[name] :] for name, found in ids.items()}
    return {"prompt_ids": prompts[0], **answers}


def encode_pairs(
    tokenizer: Any, pairs: Iterable[dict[str, Any]], stops: frozenset[int], max_length: int, into: Path
) -> tuple[Rows, int]:
    """Return (encoded pairs, both of whose answers fit `max_length` tokens with the prompt, number of others).

    The pairs lie in the file `into`; there may be none.
    """
    num_too_long = 0

    def fitting() -> Iterator[dict[str, list[int]]]:
        nonlocal num_too_long
        for pair in pairs:
            encoded = encode_pair(tokenizer, pair, stops)
            if longest(encoded) <= max_length:
                yield encoded
            else:
                num_too_long += 1

    return keep_on_disk(fitting(), into), num_too_long


def check_pairs(pairs: Rows, num_too_long: int, max_length: int, least: int) -> None:
    """Return if enough pairs fit.

    Raises:
        DataError: fewer than `least` are left.
    """
    if len(pairs) >= least:
        return
    raise DataError(
        f"{len(pairs)} pairs of training.preferences fit training.max_length = {max_length} tokens, {num_too_long} do "
        f"not, and pairs.least is {least}: raise training.max_length, or lower training.preferences.pairs.least."
    )


def longest(pair: dict[str, list[int]]) -> int:
    """Return the tokens of the prompt with the longer of its answers."""
    return len(pair["prompt_ids"]) + max(len(pair["chosen_ids"]), len(pair["rejected_ids"]))
