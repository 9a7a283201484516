"""How unsure a student is of an answer: the more, the more its prompt is worth a question to the teacher.

Sources: margin: Scheffer, Decomain and Wrobel, Active Hidden Markov Models for Information Extraction, 2001; entropy:
Settles, Active Learning Literature Survey, 2009, section 3.1; disagreement: the Jensen-Shannon divergence of a
committee's distributions, after Seung, Opper and Sompolinsky, Query by Committee, 1992.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Measure = Literal["margin", "entropy"]


def unsureness(line: Mapping[str, Any], by: Measure) -> float:
    """Return how unsure a student is of the answer in a line of an evaluation's answers; more is less sure.

    Of labels: `margin` is 1 less the two greatest probabilities' difference, `entropy` is in nats. Of free text it is
    the negative log-probability a byte of the answer (nats), so that a long answer is not unsure for its length. An
    answer that can't be read is the least sure, infinity; one of which nothing is known is 0.
    """
    if line["answer"] is None:
        return math.inf
    if line["label_logprobs"]:
        # imported here: SciPy takes a second to load, and a run without rounds needs none of it
        from scipy.special import rel_entr, softmax

        found = softmax(np.asarray(line["label_logprobs"], dtype=np.float64))
        return _margin(found) if by == "margin" else float(-rel_entr(found, 1.0).sum())
    if line["logprob"] is None:
        return 0.0
    return float(-line["logprob"] / max(1, len((line["text"] or "").encode("utf-8", "surrogatepass"))))


def _margin(probabilities: NDArray[np.float64]) -> float:
    if probabilities.size < 2:
        return 0.0
    second, first = np.partition(probabilities, -2)[-2:]
    return float(1.0 - (first - second))


def disagreement(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two distributions by log-probabilities of the labels, in [0, ln 2]."""
    from scipy.special import rel_entr, softmax

    first, second = (softmax(np.asarray(one, dtype=np.float64)) for one in (ours, theirs))
    mean = (first + second) / 2
    return max(0.0, float((rel_entr(first, mean).sum() + rel_entr(second, mean).sum()) / 2))
