"""Takes the best of ranked prompts, but not two that say about the same: the second would teach what the first did."""

from collections.abc import Mapping, Sequence

# of the ranking, as many times what is wanted are looked at
_LOOKED_AT = 3
_BLOCK = 512  # rows of similarities that are held at once


def pick(ranked: Sequence[str], texts: Mapping[str, str], wanted: int, max_similarity: float) -> list[str]:
    """Return `wanted` of the ids, the first in the ranking before all, in their order.

    An id whose text has a cosine of `max_similarity` or more with one already taken is left out, as long as there are
    others among the first three times `wanted`; if too few are left, the best of those left out are taken too.
    """
    looked_at = list(ranked[: _LOOKED_AT * wanted])
    if max_similarity >= 1.0 or len(looked_at) < 2 or wanted < 1:
        return looked_at[:wanted]
    taken = _unlike([texts[one] for one in looked_at], wanted, max_similarity)
    others = [at for at in range(len(looked_at)) if at not in taken]
    return [looked_at[at] for at in sorted([*taken, *others[: wanted - len(taken)]])]


def _unlike(texts: Sequence[str], wanted: int, max_similarity: float) -> set[int]:
    """Return the places of up to `wanted` texts, the first of any that are alike."""
    # imported here: scikit-learn takes a second to load, and a run without rounds needs none of it
    from stillhouse.evaluation.alternatives.features import tfidf_features

    # words and letters weigh alike: each of the two parts has length 1
    features = tfidf_features().fit_transform(texts)
    taken: set[int] = set()
    left_out: set[int] = set()
    for start in range(0, len(texts), _BLOCK):
        near = (features[start : start + _BLOCK] @ features.T).toarray() / 2 >= max_similarity
        for at, row in enumerate(near, start=start):
            if at in left_out:
                continue
            taken.add(at)
            if len(taken) == wanted:
                return taken
            left_out.update(row.nonzero()[0].tolist())
    return taken
