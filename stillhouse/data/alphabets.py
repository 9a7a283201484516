"""The letters of languages that are written in several encodings, by which the right one of these is told.

Of Chinese, Japanese and Korean it is the common half of their national standards: what another encoding makes of such
a text falls into the rare half, or mixes the scripts.
"""

import codecs
from collections.abc import Mapping, Sequence

_MARKS = "„“”‘’–—…«»€№\u00a0"
# beyond a-z; after Unicode CLDR's exemplar characters
_WESTERN = (  # noqa: SIM905
    "äöüß àâæçéèêëîïôœùûüÿ áéíñóúü¿¡ áàâãçéêíóôõúü àéèìíîòóùú áéëïóöü åäöé æøåé áéíóöőúüű ąćęłńóśźż "
    "áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž čšžćđ ăâîșțşţ çğıiöşüâîû äöõüšž āčēģīķļņšūž ąčęėįšųūž àçèéíïòóúü áðéíóúýþæö "
    "çë ĉĝĥĵŝŭ áàâéêíîóôúûŵŷ абвгдежзийклмнопрстуфхцчшщъыьэюяё абвгґдеєжзиіїйклмнопрстуфхцчшщьюя "
    "абвгдђежзијклљмнњопрстћуфхцчџшѓќѕ абвгдеёжзійклмнопрстуўфхцчшыьэюя αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ "
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويىپچژگ،؟؛ًٌٍَُِّْ"
).split()
_THAI = "".join(chr(code) for code in range(0x0E01, 0x0E5A) if chr(code) not in "ฃฅฺ๏")  # without the obsolete
_FULL_WIDTH = "".join(chr(code) for code in range(0x3000, 0x3012)) + "".join(
    chr(code) for code in range(0xFF01, 0xFF5F)
)
# codec -> the first bytes of its common characters: kana and the first level of Han, or Hangul
_EASTERN: Mapping[str, Sequence[int]] = {
    "euc_jp": (0xA4, 0xA5, *range(0xB0, 0xD0)),
    "gb2312": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "euc_kr": range(0xB0, 0xC9),
}


def _common(codec: str, leads: Sequence[int]) -> str:
    pairs = (bytes((lead, trail)) for lead in leads for trail in range(0x40, 0xFF))
    found = "".join(codecs.decode(pair, codec, "ignore") for pair in pairs)
    return "".join(character for character in found if not character.isascii())


ALPHABETS = (
    *(frozenset(letters + letters.upper() + _MARKS) for letters in _WESTERN),
    frozenset(_THAI + _MARKS),
    *(frozenset(_common(codec, leads) + "ー々·" + _FULL_WIDTH + _MARKS) for codec, leads in _EASTERN.items()),
)
