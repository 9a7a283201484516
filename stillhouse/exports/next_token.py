"""What every engine whose logits are at hand does with them: probabilities of the next token, and greedy answers."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the log-probabilities (nats) of the next token, [vocabulary].

    SciPy has the same; it would take more memory in an engine's process than some engines do.
    """
    shifted = np.asarray(logits, dtype=np.float64).reshape(-1)
    shifted = shifted - shifted.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def answer_greedily(
    logits: NDArray[np.float32],
    read: Callable[[int], NDArray[np.float32]],
    *,
    max_tokens: int,
    stop_ids: frozenset[int],
) -> list[int]:
    """Return the likeliest token ids, one after the other; the stop token that ended them is the last.

    `logits` are those behind the prompt, and `read` returns those behind one more token.
    """
    written = [int(logits.argmax())]
    while len(written) < max_tokens and written[-1] not in stop_ids:
        written.append(int(read(written[-1]).argmax()))
    return written
