"""Addresses that hold a password: refused wherever a user may write one, and never repeated.

The recipe's model, its loader and the command line must see the same, and each of them echoes values.
"""

import re

# user:password@ after a scheme; the password may hold slashes, as S3's do. A port and a path with an @ are none
_IN_TEXT = re.compile(r"(?<=://)[^/@:\s'\"]*:(?!\d+[/'\"\s])[^@\s'\"]+@")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
RULE = (
    "an address must not hold a password: recipes, records and reports repeat it. Leave out `user:password@` and give "
    "the keys by the variables that the library of that address reads, as AWS_ACCESS_KEY_ID and HF_TOKEN"
)


def has_password(text: str) -> bool:
    """Return whether `text` is an address with `user:password@` in it."""
    return bool(_ADDRESS.match(text) and _IN_TEXT.search(text))


def hide_passwords(text: str) -> str:
    """Return `text` with `***@` for every `user:password@` of an address in it."""
    return _IN_TEXT.sub("***@", text)
