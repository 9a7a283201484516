"""Keeps tracebacks of user errors out of logs, and what no log can hold out of their lines."""

import logging

from stillhouse.encodable import encodable
from stillhouse.errors import UserError

_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")


class WithoutTraceback(logging.Filter):
    """Drops the traceback of a record whose exception is a UserError."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True always; the record is changed, never dropped."""
        kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
        if kind is not None and issubclass(kind, UserError):
            record.exc_info = None
            record.exc_text = None
        return True


class Encodable(logging.Filter):
    """Makes a record's line one that a server can be sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True always; the record is changed, never dropped."""
        line = record.getMessage()
        if line != (clean := encodable(line)):
            record.msg, record.args = clean, None
        return True


def hide_user_tracebacks() -> None:
    """Install the filter once on the loggers that report failed runs."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, WithoutTraceback) for one in logger.filters):
            logger.addFilter(WithoutTraceback())
