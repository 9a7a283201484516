"""Times of day and dates in an answer: 5 pm is not 5 am, and a date in another form is not compared at all."""

import re
from typing import NamedTuple

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?\b"
# names of months are capitalised: "may" is a verb
DATE = (
    rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}|\d{{4}}年\d{{1,2}}月(?:\d{{1,2}}日)?"
    rf"|{_DAY}(?: of)? {_MONTH}(?:,? \d{{4}})?|{_MONTH} (?:\d{{4}}|{_DAY}(?:,? \d{{4}})?))(?![\d/])"
)
CLOCK = r"(?:\d{1,2}(?::[0-5]\d){1,2}(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*(?:[ap]\.?m\b\.?|o'clock))"
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?\s*(?P<half>[ap]\.?m\b\.?|o'clock)?", re.I
)
_DATE = re.compile(DATE)


class Moment(NamedTuple):
    """A time of day."""

    hour: int
    minute: int
    second: int
    half: str  # am, pm, o'clock or empty

    @property
    def in_day(self) -> int | None:
        """The second of the day; None where it could be in either half."""
        if self.half not in ("am", "pm") and self.hour <= 12:
            return None
        hour = self.hour if self.hour > 12 else self.hour % 12 + (12 if self.half == "pm" else 0)
        return (hour * 60 + self.minute) * 60 + self.second


def same_moment(one: str, other: str) -> bool | None:
    """Return whether two texts are the same time of day; None if neither is surely one.

    A time that does not say its half of the day equals both, and an hour alone equals the bare number.
    """
    ours, theirs = _moment(one), _moment(other)
    if not any(moment and moment.half for moment in (ours, theirs)):
        return None
    if ours is None or theirs is None:
        return False
    if ours.in_day is not None and theirs.in_day is not None:
        return ours.in_day == theirs.in_day
    return (ours.hour % 12, *ours[1:3]) == (theirs.hour % 12, *theirs[1:3])


def is_date(text: str) -> bool:
    """Return whether a text is a date."""
    return _DATE.fullmatch(text) is not None


def _moment(text: str) -> Moment | None:
    match = _CLOCK.fullmatch(text)
    if not match or int(match["hour"]) > 24:
        return None
    half = (match["half"] or "").replace(".", "").lower()
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    return Moment(hour, minute, second, half)
