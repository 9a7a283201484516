"""Finds phone numbers, and leaves sums, orders, dates and versions: many digits alone are no evidence.

Evidence is a plus sign before a valid country code, a word such as "phone" beside the number, an area code in
parentheses, or the grouping in which a country writes its numbers after a leading 0.
"""

from collections.abc import Iterator
from itertools import pairwise

import phonenumbers
import regex
from phonenumbers import Leniency, PhoneNumberMatcher

from stillhouse.data.pii_sum import is_operand
from stillhouse.data.pii_words import PHONE

# where a number without a country code is looked up: the most people, and the most ways to write one
_REGIONS = (
    *("US", "GB", "DE", "FR", "ES", "IT", "PT", "NL", "BE", "CH", "AT", "SE", "NO", "DK", "FI", "PL", "CZ", "HU"),
    *("RO", "BG", "GR", "RU", "UA", "TR", "IL", "SA", "AE", "EG", "MA", "IR", "PK", "IN", "BD", "LK", "CN", "TW"),
    *("HK", "SG", "JP", "KR", "TH", "VN", "ID", "MY", "PH", "AU", "NZ", "ZA", "NG", "KE", "GH", "TZ", "BR", "MX"),
    *("AR", "CO", "CL", "PE", "VE", "IE"),
)
_DASH = "-‐-–−－"
_CANDIDATE = regex.compile(
    r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}_@#$€£¥₹])(?<!\p{Nd}[.,:/" + _DASH + "])"
    r"[+＋]?\(?\p{Nd}(?:(?:\)[ " + _DASH + r"]?|[ ]?\(|[. /\u00a0" + _DASH + r"])?\p{Nd}){6,20}+"
    r"(?![.,:]?\p{Nd}|[\p{Latin}_%$€£¥₹]|[ ]?[$€£¥₹%])"
)
_GAP = r"[^\p{L}\p{Nd}$€£¥₹%*×÷<>^]*"
_SHORT_WORD = r"(?:\p{Latin}{1,5}|n[uúo]m\p{Latin}+|[^\P{L}\p{Latin}][\p{L}\p{M}]{0,9})"
# at most four short words or the word for "number" between: "call me on", "mi número de teléfono es"
_AFTER_WORD = regex.compile(rf"{PHONE}{_GAP}(?:{_SHORT_WORD}(?![\p{{L}}\p{{M}}]){_GAP}){{0,4}}$", regex.IGNORECASE)
_BEFORE_VERB = regex.compile(
    r"\s*(?:打电话|打電話|[へに](?:お?電話|連絡)|(?:으)?로\s*(?:전화|연락)|पर\s*(?:कॉल|फ[ो़]+न))"
)
_OPERATOR_BEFORE = regex.compile(r"[\p{Nd}=*×÷/^]\s*$")
_OTHER_LABEL = regex.compile(
    r"(?<!\p{L})(?:orders?|tickets?|invoice|isbn|issn|sku|ean|serial|part|model|item|product|article|id|ref|reference|"
    r"case|account|code|tracking|bestellung|bestellnummer|rechnung|artikel|pedido|factura|commande|facture|заказ\w*)"
    r"\W*(?:(?:no|nr|number|num|id|n[uú]mero|nummer|código|code)\W*)?$",
    regex.IGNORECASE,
)
_NORTH_AMERICAN = regex.compile(r"(?:1([-. ]))?\p{Nd}{3}([-.])\p{Nd}{3}\2\p{Nd}{4}")
_AREA_CODE = regex.compile(r"[+＋]?\p{Nd}{0,3} ?\(\p{Nd}{1,5}\)")
_DATE = regex.compile(r"(?:\p{Nd}{1,2}[-./ ]){2}(?:19|20)\p{Nd}{2}(?!\p{Nd})")
_CONTEXT = 60  # characters before a number in which its words are sought


def phone_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each phone number in `text`."""
    for match in _CANDIDATE.finditer(text):
        number, start = match[0], match.start()
        if number.startswith("(") and ")" not in number:  # a remark in parentheses, not an area code
            number, start = number[1:], start + 1
        before, after = text[max(0, start - _CONTEXT) : start], text[match.end() : match.end() + _CONTEXT]
        if _has_phone_evidence(number, before, after) or (
            _has_phone_form(number) and not is_operand(text, start, match.end()) and not _OTHER_LABEL.search(before)
        ):
            yield start, match.end()


def _has_phone_evidence(number: str, before: str, after: str) -> bool:
    """Return whether a country code or a word beside it makes `number` a phone number."""
    is_grouped = not number[1:].isdecimal()
    if number[0] in "+＋":
        if not is_grouped and _OPERATOR_BEFORE.search(before):
            return False
        return _is_valid(number) or (is_grouped and _has_length_of_its_country(number))
    if number.startswith("00") and is_grouped and _is_valid("+" + number[2:]):
        return True
    has_word = _AFTER_WORD.search(before) or _BEFORE_VERB.match(after)
    return bool(has_word) and any(_is_valid(number, region) for region in _REGIONS)


def _has_phone_form(number: str) -> bool:
    """Return whether `number` is written as phone numbers are, and others hardly: with an area code, or as grouped."""
    if _AREA_CODE.match(number):
        return any(_is_valid(number, region) for region in _REGIONS)
    if _NORTH_AMERICAN.fullmatch(number):
        return _is_valid(number, "US")
    if (
        number[0] not in "0０٠۰०8" or number.isdecimal() or _DATE.match(number) or _is_series(number)
    ):  # 8: the Russian 0
        return False
    return any(_is_grouped_as_in(number, region) for region in _REGIONS)


def _is_series(number: str) -> bool:
    """Return whether the groups go up or down by equal steps, as in "01 02 03 04 05"."""
    groups = [int(group) for group in regex.findall(r"\p{Nd}+", number)]
    return len(groups) > 2 and len({after - before for before, after in pairwise(groups)}) == 1


def _has_length_of_its_country(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(number: str, region: str | None = None) -> bool:
    """Return whether `number` is in use in its country, or in `region` if it has no country code."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_grouped_as_in(number: str, region: str) -> bool:
    """Return whether `number` is a whole number of `region`, with its prefix for calls within it, grouped as there."""
    country = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if country is None or not country.national_prefix or not _is_valid(number, region):
        return False
    found = PhoneNumberMatcher(number, region, leniency=Leniency.STRICT_GROUPING)
    return any(match.raw_string == number for match in found)
