"""Compares what a student is trained on with the test rows: labels, lengths, scripts and topics.

A group stands out if its two shares differ by a tenth of all rows, or by half of the larger one and two points, and a
two-proportion z-test at 1 %, corrected for the number of groups (Bonferroni), says that this is not by chance.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from stillhouse.artifacts.handle import StageSummary
from stillhouse.data.row import normalise

_MIN_ROWS = 30  # on each side; fewer say nothing of shares
_SIGNIFICANCE = 0.01
_CLUSTERS, _MAX_WORDS, _CLUSTERED_ROWS = 8, 2_000, 5_000
_SEED = 0


class GroupShare(StageSummary):
    """One group's rows among the training examples and the test rows."""

    kind: str  # label, length, script or cluster
    group: str
    train: int
    test: int


class Coverage(StageSummary):
    """How well the training examples stand for the test rows."""

    train: int
    test: int
    groups: tuple[GroupShare, ...]
    findings: tuple[str, ...]  # what stands out, in words


def compare(train: Sequence[str], test: Sequence[str], labels: tuple[Sequence[str], Sequence[str]] | None) -> Coverage:
    """Return the shares of all groups among training and test prompts, and what stands out.

    `labels` are those of the training examples and of the test rows, for a skill with labels.
    """
    kinds: dict[str, tuple[Sequence[str], Sequence[str]]] = {"label": labels} if labels else {}
    kinds["length"] = ([length_of(text) for text in train], [length_of(text) for text in test])
    kinds["script"] = ([script_of(text) for text in train], [script_of(text) for text in test])
    if min(len(train), len(test)) >= _MIN_ROWS:
        kinds["cluster"] = _clusters(train, test)
    counts = {kind: (Counter(ours), Counter(theirs)) for kind, (ours, theirs) in kinds.items()}
    groups = tuple(
        GroupShare(kind=kind, group=group, train=ours[group], test=theirs[group])
        for kind, (ours, theirs) in counts.items()
        for group in sorted({*ours, *theirs})
    )
    totals = {kind: (len(ours), len(theirs)) for kind, (ours, theirs) in kinds.items()}
    return Coverage(train=len(train), test=len(test), groups=groups, findings=_findings(groups, totals))


def length_of(text: str) -> str:
    """Return the name of the bucket of a text's length; each is twice as wide as the one before."""
    top = max(32, 1 << max(len(text) - 1, 1).bit_length())
    return f"{top // 2 + 1 if top > 32 else 0} to {top} characters"


def script_of(text: str) -> str:
    """Return the script that most letters at the beginning of a text are of, as Unicode names it; none without any."""
    scripts = Counter(unicodedata.name(sign, "unknown").split()[0].lower() for sign in text[:200] if sign.isalpha())
    return scripts.most_common(1)[0][0] if scripts else "none"


def _findings(groups: Sequence[GroupShare], totals: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    found = []
    for one in groups:
        num_train, num_test = totals[one.kind]
        if min(num_train, num_test) < _MIN_ROWS:
            continue
        ours, theirs = one.train / num_train, one.test / num_test
        gap, larger = abs(ours - theirs), max(ours, theirs)
        is_large = gap >= 0.1 or (gap >= 0.5 * larger and gap >= 0.02)
        if is_large and p_value(one.train, num_train, one.test, num_test) * len(groups) < _SIGNIFICANCE:
            which = "over-represented" if ours > theirs else "under-represented"
            found.append(
                f"{one.kind} {one.group!r} is {which} in training: {ours:.1%} of {num_train} examples, {theirs:.1%} of "
                f"{num_test} test rows"
            )
    return tuple(found)


def p_value(one: int, of_one: int, other: int, of_other: int) -> float:
    """Return the two-sided p-value that two proportions are equal, by the z-test with a pooled variance."""
    pooled = (one + other) / (of_one + of_other)
    variance = pooled * (1.0 - pooled) * (1.0 / of_one + 1.0 / of_other)
    if not variance:
        return 1.0
    return math.erfc(abs(one / of_one - other / of_other) / math.sqrt(2.0 * variance))


def _clusters(train: Sequence[str], test: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the TF-IDF cluster of evenly drawn prompts of both sides, named by its weightiest words."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    sides = [[normalise(text) for text in _spread(texts)] for texts in (train, test)]
    if not any(text.strip() for side in sides for text in side):
        return ["none"] * len(sides[0]), ["none"] * len(sides[1])
    vectors = TfidfVectorizer(max_features=_MAX_WORDS, sublinear_tf=True, token_pattern=r"\S+")
    matrix = vectors.fit_transform([*sides[0], *sides[1]])
    means = MiniBatchKMeans(_CLUSTERS, random_state=_SEED, n_init=3, batch_size=2048).fit(matrix)
    words = vectors.get_feature_names_out()
    names = [" ".join(words[top[:3]]) for top in np.argsort(-means.cluster_centers_, axis=1, kind="stable")]
    codes = means.predict(matrix).tolist()
    return [names[code] for code in codes[: len(sides[0])]], [names[code] for code in codes[len(sides[0]) :]]


def _spread(texts: Sequence[str]) -> list[str]:
    return list(texts[:: math.ceil(len(texts) / _CLUSTERED_ROWS)])
