"""Reads what a judge says, and settles a pair that was shown in both orders.

Separate because a verdict that can't be read must be counted as such, and never guessed.
Source: both orders asked, a win only where both agree, else a tie, after the conservative approach of Zheng et al.,
arXiv:2306.05685, section 3.4 (lm-sys/FastChat, fastchat/llm_judge/common.py at 007ecd07).
"""

import re
from typing import Literal

Verdict = Literal["A", "B", "C"]
Outcome = Literal["win", "tie", "loss"]

# a judge without a form may put its verdict into brackets, or a few words around it; "A good answer" is no verdict
_BRACKETED = re.compile(r"\[\[\s*([ABC]|[1-5])\s*\]\]")
_LEAD = r"\W*(?:(?:my|the|final|better|best|answer|verdict|choice|winner|response|score|grade|rating|is)\b\W*)*"
_VERDICT = re.compile(
    _LEAD + r"(?:\b([ABC])\b|(tie|neither))(?:\s+is(?:\s+the)?(?:\s+better|\s+best)(?:\s+answer)?)?\W*", re.I
)
_SCORE = re.compile(_LEAD + r"\b([1-5])(?:\s*/\s*5|\s+out\s+of\s+5)?[^\w.,/]*\.?\W*", re.IGNORECASE)

_WORTH: dict[str, Outcome] = {"A": "win", "B": "loss", "C": "tie"}
_MIRRORED: dict[Outcome, Outcome] = {"win": "loss", "tie": "tie", "loss": "win"}


def read_verdict(text: str) -> Verdict | None:
    """Return which answer the judge prefers, C for neither; None where `text` is no single verdict."""
    said = _bracketed(text)
    if said is None:
        found = _VERDICT.fullmatch(_first_line(text))
        said = (found[1] or "C").upper() if found else ""
    return "A" if said == "A" else "B" if said == "B" else "C" if said == "C" else None


def read_score(text: str) -> int | None:
    """Return the score from 1 to 5; None where `text` is no single one."""
    said = _bracketed(text)
    if said is None:
        found = _SCORE.fullmatch(_first_line(text))
        said = found[1] if found else ""
    return int(said) if said.isdigit() else None


def meant(verdict: Verdict | None, *, is_swapped: bool) -> Outcome | None:
    """Return what one verdict means for the model that stands first where the order is not swapped."""
    if verdict is None:
        return None
    outcome = _WORTH[verdict]
    return _MIRRORED[outcome] if is_swapped else outcome


def decide(shown_first: Verdict | None, shown_second: Verdict | None) -> Outcome:
    """Return what becomes of a model by the verdicts on the same pair, with its answer shown first and second."""
    one, other = meant(shown_first, is_swapped=False), meant(shown_second, is_swapped=True)
    return one if one is not None and one == other else "tie"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _bracketed(text: str) -> str | None:
    """Return what stands in double brackets; "" for several different ones, None for none."""
    found = set(_BRACKETED.findall(text))
    return found.pop() if len(found) == 1 else "" if found else None
