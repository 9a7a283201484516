"""Reads a judge's verdicts and scores, and decides a pair that was shown in both orders.

A verdict that can't be read counts as unreadable and is never guessed.
Source: both orders are shown, a win needs both to agree, all else is a tie, after the conservative approach of
Zheng et al., arXiv:2306.05685, section 3.4 (lm-sys/FastChat, fastchat/llm_judge/common.py at 007ecd07).
"""

import re
from typing import Literal

Verdict = Literal["A", "B", "C"]
Outcome = Literal["win", "tie", "loss"]

# a judge without constrained decoding may add brackets or a few words; "A good answer" is no verdict
_BRACKETED = re.compile(r"\[\[\s*([ABC]|[1-5])\s*\]\]")
_LEAD = r"\W*(?:(?:my|the|final|better|best|answer|verdict|choice|winner|response|score|grade|rating|is)\b\W*)*"
_VERDICT = re.compile(
    _LEAD + r"(?:\b([ABC])\b|(tie|neither))(?:\s+is(?:\s+the)?(?:\s+better|\s+best)(?:\s+answer)?)?\W*", re.I
)
_SCORE = re.compile(_LEAD + r"\b([1-5])(?:\s*/\s*5|\s+out\s+of\s+5)?[^\w.,/]*\.?\W*", re.IGNORECASE)

_WORTH: dict[str, Outcome] = {"A": "win", "B": "loss", "C": "tie"}
_MIRRORED: dict[Outcome, Outcome] = {"win": "loss", "tie": "tie", "loss": "win"}


def read_verdict(text: str) -> Verdict | None:
    """Return which answer the judge prefers, C for neither; None if `text` is not exactly one verdict."""
    letter = _bracketed(text)
    if letter is None:
        match = _VERDICT.fullmatch(_first_line(text))
        letter = (match[1] or "C").upper() if match else ""
    return "A" if letter == "A" else "B" if letter == "B" else "C" if letter == "C" else None


def read_score(text: str) -> int | None:
    """Return the score from 1 to 5; None if `text` is not exactly one score."""
    digit = _bracketed(text)
    if digit is None:
        match = _SCORE.fullmatch(_first_line(text))
        digit = match[1] if match else ""
    return int(digit) if digit.isdigit() else None


def outcome_of_verdict(verdict: Verdict | None, *, is_swapped: bool) -> Outcome | None:
    """Return the outcome of one verdict for the model that is shown first in the unswapped order."""
    if verdict is None:
        return None
    outcome = _WORTH[verdict]
    return _MIRRORED[outcome] if is_swapped else outcome


def decide(shown_first: Verdict | None, shown_second: Verdict | None) -> Outcome:
    """Return a model's outcome by the verdicts on the same pair, with its answer shown first and second."""
    outcome = outcome_of_verdict(shown_first, is_swapped=False)
    agrees = outcome == outcome_of_verdict(shown_second, is_swapped=True)
    return outcome if outcome is not None and agrees else "tie"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _bracketed(text: str) -> str | None:
    """Return the text in double brackets; "" if there are several different ones, None if there are none."""
    texts = set(_BRACKETED.findall(text))
    return texts.pop() if len(texts) == 1 else "" if texts else None
