"""Into how many relation heads the vectors of two models are split; no torch, since a run checks it before it asks."""

import math
from collections.abc import Collection
from typing import Any

from stillhouse.errors import ModelError

MOST_HEADS = 48  # of MiniLMv2's base models


def vector_widths(config: Any) -> dict[str, int]:
    """Return how many numbers the queries, keys and values of a token are, of all heads of a layer together.

    Empty if the configuration does not say.
    """
    heads = getattr(config, "num_attention_heads", None)
    size = getattr(config, "head_dim", None) or (heads and config.hidden_size // heads)
    if not size:
        return {}
    shared = getattr(config, "num_key_value_heads", None) or heads
    return {"queries": size * heads, "keys": size * shared, "values": size * shared}


def relation_heads(widths: Collection[int], asked: int) -> int:
    """Return the number of relation heads: `asked`, or for 0 the most up to 48 that divide all `widths`.

    Raises:
        ModelError: `asked` does not divide them.
    """
    common = math.gcd(*widths)
    possible = [number for number in range(1, common + 1) if common % number == 0]
    if not asked:
        return max(number for number in possible if number <= MOST_HEADS)
    if asked not in possible:
        raise ModelError(
            f"training.attention.relation_heads is {asked}, which must divide the widths {sorted(set(widths))} of "
            f"queries, keys and values of both models: take one of {', '.join(map(str, possible))}, or 0."
        )
    return asked
