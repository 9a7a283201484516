"""Looks at a test set, for tests of the gate."""

from stillhouse.gate.spending import level_of_look
from stillhouse.reports.schema.gate import Looks

ALPHA = 0.05


def look_number(look: int) -> Looks:
    """Return the look of that number, at 95 % confidence."""
    return Looks(test_set="0" * 64, look=look, used=look, level=level_of_look(look, ALPHA), alpha=ALPHA)


FIRST_LOOK = look_number(1)
