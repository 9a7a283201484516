"""Says now and then how far a long loop is, so that no run is silent for minutes; of a short one it says nothing."""

import logging
import time
from collections.abc import Callable

_EVERY_S = 10.0


class Ticker:
    """The progress of one loop, in its logger's lines at level INFO."""

    def __init__(
        self,
        logger: logging.Logger,
        what: str,
        total: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at nothing done.

        Args:
            logger: of the module whose loop it is.
            what: what is counted and what is done to it, as `rows read`.
            total: how many there are, if that is known.
            clock: returns seconds.
        """
        self._logger = logger
        self._what = what
        self._of = "" if total is None else f" of {total:,}"
        self._clock = clock
        self._done = 0
        self._started = self._said = clock()

    def add(self, count: int) -> None:
        """Note that `count` more are done; says so if nothing was said for ten seconds."""
        self._done += count
        now = self._clock()
        if now - self._said >= _EVERY_S:
            self._said = now
            rate = self._done / (now - self._started)
            self._logger.info("%s%s %s, %s a second", f"{self._done:,}", self._of, self._what, f"{rate:,.0f}")
