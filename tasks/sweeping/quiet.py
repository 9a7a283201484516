"""Says once, and not for every trial, what is found in the data."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep lines about stages that all trials share out of the log; the sweep itself has said them."""
    logger = logging.getLogger("stillhouse")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
