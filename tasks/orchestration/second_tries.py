"""Tries again what can pass, where no task of Prefect does it: beside a stage's task, not in it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_chain, wait_random

from stillhouse.errors import can_pass

T = TypeVar("T")


def try_again(call: Callable[..., T], *arguments: Any, delays_s: Sequence[float]) -> T:
    """Return what `call` returns; after trouble that can pass it is called again, once a delay.

    Each delay is up to half longer or shorter: runs that failed together must not come back together.

    Raises:
        Exception: of the last call, or the first that can't pass.
    """
    policy = Retrying(
        retry=retry_if_exception(can_pass),
        wait=wait_chain(*(wait_random(0.5 * mean, 1.5 * mean) for mean in delays_s)),
        stop=stop_after_attempt(len(delays_s) + 1),
        reraise=True,
    )
    return policy(call, *arguments)
