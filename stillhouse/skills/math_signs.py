"""Signs and digits of any script in an answer, as ASCII and LaTeX: ５, ٥ and ५ are 5, − is -, ½ is 1/2, π is \\pi."""

import re
import unicodedata

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("−﹣－‒", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f\u2007\u2002\u3000", " "),
        **dict.fromkeys("，、،٬", ","),
        "٫": ".",
        "٪": "%",
        "⁄": "/",
        "π": "\\pi ",
        "√": "\\sqrt ",
        "∞": "\\infty",
        "±": "\\pm ",
        "°": "^\\circ",
        "º": "^\\circ",
        "。": ".",
        "।": ".",
        "’": "'",
    }
)
_FRACTIONS = re.compile("(?P<whole>(?<=\\d) ?)?[¼-¾⅐-⅞]")
_RAISED = re.compile("[⁺⁻]?[²³¹⁰⁴-⁹]+")
# a dash before a number that follows nothing, a space or an opening sign is its minus
_DASH = re.compile(r"(?:(?<=^)|(?<=[\s(=:$]))[–—](?=\d)")
_LATEX_SPACES = re.compile(r"\\[,;:! ]|~(?=\d)|\\q?quad\b")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}")


def fold_signs(text: str) -> str:
    """Return `text` with digits and signs of all scripts in ASCII or LaTeX, its words as they are."""
    if text.isascii():
        return text
    # 2½ is 2 1/2; a fraction that no digit stands before needs no gap
    text = _FRACTIONS.sub(lambda found: ("" if found["whole"] is None else " ") + _folded(found.group()), text)
    text = _RAISED.sub(lambda found: _power(_folded(found.group())), text)
    text = "".join(map(_plain, text)).translate(_SIGNS)
    return _DASH.sub("-", text)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _power(exponent: str) -> str:
    """Return LaTeX of a raised number, in braces unless it is one digit."""
    return f"^{exponent}" if len(exponent) == 1 else f"^{{{exponent.replace('−', '-').lstrip('+')}}}"


def _plain(sign: str) -> str:
    if "！" <= sign <= "～":  # full-width forms of ASCII
        return chr(ord(sign) - 0xFEE0)
    digit = unicodedata.decimal(sign, None)
    return sign if digit is None or sign.isascii() else str(digit)


def without_layout(text: str) -> str:
    """Return LaTeX without spacing commands, \\text{} around words, and \\left, \\right."""
    if "\\" in text or "{,}" in text:
        text = _TEXT.sub(r" \1 ", text.replace("{,}", ",").replace("\\left", "").replace("\\right", ""))
        text = _LATEX_SPACES.sub(" ", text).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    return " ".join(text.split())
