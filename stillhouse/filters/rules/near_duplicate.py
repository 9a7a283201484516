"""Drops long free answers that nearly repeat an earlier one, so that one phrase does not fill the training set."""

from collections.abc import Sequence

from pydantic import Field

from stillhouse.filters.rule import DatasetRule
from stillhouse.text.words import phrases

# short answers are rightly alike: "yes", a label, a number
_MIN_WORDS = 8

_PERMUTATIONS = 128
_BANDS = 32  # 4 rows a band: a pair with Jaccard 0.5 is a candidate with probability 0.87, one with 0.8 surely
_SEED = 0


class NearDuplicate(DatasetRule):
    """Objects to all but the first of near-equal answers: MinHash finds them, the exact word-set Jaccard decides."""

    name = "near_duplicate"
    next_step = "raise `filters.near_duplicate_threshold`"
    off = (("near_duplicate_threshold", 1.0),)

    near_duplicate_threshold: float = Field(
        1.0, gt=0.0, le=1.0, description="drop near-equal long answers; 1 keeps all"
    )

    def objections(self, answers: Sequence[str]) -> list[str | None]:
        """Return the similarity to the nearest earlier answer."""
        threshold = self.near_duplicate_threshold
        if threshold == 1.0:
            return [None] * len(answers)
        from rensa import RMinHash, RMinHashLSH

        index = RMinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        kept: dict[int, frozenset[str]] = {}
        objections: list[str | None] = []
        for position, answer in enumerate(answers):
            found = [" ".join(word) for word in phrases(answer, 1)]
            if len(found) < _MIN_WORDS:
                objections.append(None)
                continue
            word_set = frozenset(found)
            sketch = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
            sketch.update(sorted(word_set))
            nearest = max((_jaccard(word_set, kept[other]) for other in index.query(sketch)), default=0.0)
            if nearest >= threshold:
                objections.append(f"word-set Jaccard {nearest:.2f} with an earlier answer")
                continue
            index.insert(position, sketch)
            kept[position] = word_set
            objections.append(None)
        return objections


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
