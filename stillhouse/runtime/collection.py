"""Keeps Python from looking for cycles while millions of objects come and go that are in none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the search for cycles inside the block: it takes a quarter of the time in which stored answers are read.

    Objects are freed as always once nothing refers to them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
