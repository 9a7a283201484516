"""What each look at a test set may spend of the chance of a false promotion.

A test set that is asked again and again passes a student by luck at last. Each look gets a share of one chance, and all
shares together, however many there will be, are that chance.
"""


def level_of_look(look: int, alpha: float) -> float:
    """Return the one-sided level of the look of that number (from 1): alpha / (k (k + 1)), which sums up to alpha.

    The first is alpha / 2, the tail of a two-sided interval of confidence 1 - alpha. It holds whatever the looks have
    in common, and whatever the earlier ones led to; no number of looks has to be planned.

    Source: alpha-spending, as in J. Tian and A. Ramdas, Online control of the familywise error rate, Statistical
    Methods in Medical Research 30 (2021), section 2, with the sequence 1 / (k (k + 1)).

    Raises:
        ValueError: for a look before the first.
    """
    if look < 1:
        raise ValueError(f"look {look}; looks are counted from 1")
    return alpha / (look * (look + 1))
