"""Finds IP addresses, and leaves versions, scope operators and slices, which are written with the same signs."""

import ipaddress
from collections.abc import Iterator

import regex

from stillhouse.data.pii_words import VERSION

_V4 = regex.compile(
    r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}_.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?[0-9]|[-_]?[A-Za-z])"
)
_V6 = regex.compile(r"(?<![\p{Latin}\p{Nd}_:.])[0-9A-Fa-f:]{2,39}(?:%[0-9A-Za-z]+)?(?![\p{Latin}\p{Nd}_:]|\.[0-9])")
# "v1.2.3.4", "version is 1.2.3.4", "Chrome/120.0.0.0", "package==1.2.3.4", "name-1.2.3.4"
_VERSION_BEFORE = regex.compile(
    rf"(?:{VERSION}[\s:=#(\"'`]*(?:\p{{L}}{{1,5}}[\s:]+){{0,2}}|[A-Za-z0-9]/|[=~^<>]=\s*|~>\s*|[<>^~]|\p{{L}}[-_])$",
    regex.IGNORECASE,
)
# "from 1.2.3.4 to 1.2.4.0" after "upgrade": the second is a version too
_SECOND_VERSION = regex.compile(rf"{VERSION}\W[^.!?\n]{{0,20}}[0-9.]+\W+(?:\p{{L}}{{1,5}}\W+)?$", regex.IGNORECASE)
_PREFIX = regex.compile(r"(?:[23][0-9a-f]{3}|fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}|ff0[0-9a-f]):", regex.IGNORECASE)
_CONTEXT = 60  # characters before an address in which its words are sought


def ip_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each address in `text` that is somebody's: no loopback, no netmask, not 0.0.0.0."""
    for match in _V4.finditer(text):
        before = text[max(0, match.start() - _CONTEXT) : match.start()]
        is_version = _VERSION_BEFORE.search(before) or _SECOND_VERSION.search(before)
        if not is_version and _is_somebodys(match[0]):
            yield match.span()
    for match in _V6.finditer(text):
        if _is_written_as_address(match[0]) and _is_somebodys(match[0]):
            yield match.span()


def _is_written_as_address(text: str) -> bool:
    """Return whether eight groups are more than pairs of digits, or the first of fewer is one that addresses have."""
    if "::" in text:
        return bool(_PREFIX.match(text)) and any(sign.isdecimal() for sign in text)
    groups = text.partition("%")[0].split(":")
    return len(groups) == 8 and any(len(group) > 2 for group in groups)


def _is_somebodys(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or _is_netmask(text))


def _is_netmask(text: str) -> bool:
    try:
        return text.startswith("255.") and ipaddress.ip_network(f"0.0.0.0/{text}").prefixlen > 0
    except ValueError:
        return False
