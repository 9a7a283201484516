"""Further headers of requests, for gateways: what a recipe may name, and what it must leave to the environment."""

import re
from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[ -~]{1,1024}")
_SECRET = re.compile(r"key|token|auth|secret|password|credential|bearer|cookie", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,56}_API_KEY")
# the request itself sets them
_RESERVED = frozenset(
    (
        *("authorization", "host", "content-type", "content-length", "content-encoding", "transfer-encoding"),
        *("connection", "accept", "accept-encoding", "cookie", "user-agent"),
    )
)


def check_plain_headers(headers: Mapping[str, str]) -> None:
    """Check headers whose values stand in the recipe.

    Raises:
        ValueError: a name or value that can't be sent, that the request sets itself, or that looks like a secret.
    """
    _check_names(headers)
    for name, value in headers.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of header {name} must be one line of printable ASCII letters")
        if _SECRET.search(name) or value.lower().startswith("bearer "):
            raise ValueError(f"header {name} looks like a secret: name its environment variable in headers_from_env")


def check_secret_headers(headers: Mapping[str, str]) -> None:
    """Check headers whose values are read from the environment variables that the recipe names.

    Raises:
        ValueError: a name that can't be sent, or a variable that does not end in _API_KEY: a recipe is shared, and must
            not be able to send any secret of whoever runs it.
    """
    _check_names(headers)
    for name, variable in headers.items():
        if not _VARIABLE.fullmatch(variable):
            raise ValueError(
                f"header {name} must name an environment variable in capitals that ends in _API_KEY; other variables "
                "of whoever runs the recipe are none of its business"
            )


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no header's name: it has letters, digits and hyphens")
        if name.lower() in _RESERVED:
            raise ValueError(f"header {name} is set by the request itself: leave it out")
