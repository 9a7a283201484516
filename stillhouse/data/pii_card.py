"""Finds numbers of payment cards: an issuer's first digits and length, grouped as on a card, with a valid checksum."""

from collections.abc import Iterator

import regex

from stillhouse.data.pii_sum import is_operand

_CARD = regex.compile(
    r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}_])(?<![0-9][.,:/-])"
    r"(?:[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}|[0-9]{13,19})"
    r"(?![\p{Latin}\p{Nd}_]|[.,:/ -][0-9])"
)
# Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay
_ISSUED = regex.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|3[068]\d{12}|"
    r"62\d{14,17}"
)


def card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each card number in `text`."""
    for match in _CARD.finditer(text):
        digits = "".join(filter(str.isdecimal, match[0]))
        if _ISSUED.fullmatch(digits) and _has_checksum(digits) and not is_operand(text, *match.span()):
            yield match.span()


def _has_checksum(digits: str) -> bool:
    """Return whether the Luhn sum of `digits` is a multiple of ten."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
