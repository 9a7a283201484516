"""Text that any file, log or server can hold.

Names and rows that were read from bytes of another encoding may hold halves of characters (lone surrogates), which no
UTF-8 can: the first writer of such a text would fail, often the one that reports a failure.
"""

import re

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def encodable(text: str) -> str:
    """Return `text` with a replacement character for each half of a character."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
