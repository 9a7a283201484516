"""Finds labelled rows whose given answer the teacher contradicts: likely mislabelled, for a person to look at.

They are only reported: no row is changed or dropped for it.
Source: confident learning, Northcutt et al., JAIR 70 (2021), arXiv:1911.00068. The score is its self-confidence, the
probability of the given label. The teacher is sure of another label if that one's probability is at least its mean over
the rows given it. cleanlab 2.9.0 computes both alike, but takes 3 s and 220 MB to import, here in the flow's process.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillhouse.completions.table import Lines, completion_of
from stillhouse.data.row import Row
from stillhouse.filters.rules.agreement import majority
from stillhouse.skills.skill import Skill
from stillhouse.teachers.calibration import probabilities

LabelError = dict[str, Any]

# a single free answer that differs is the teacher's mistake as often as the row's
_MIN_ROLLOUTS = 2


def find_label_errors(
    rows: Iterable[Row], lines: Lines, skill: Skill, labels: Sequence[str], prior: Sequence[float] | None
) -> tuple[int, list[LabelError]]:
    """Return how many rows could be judged, and those the teacher contradicts, the most suspicious first.

    A row is judged if it has references and the teacher answered it: a label by the scores of all labels if they were
    requested, else by the completions' majority; a free answer only if at least two completions say the same.
    Each error is {id, source, prompt, given, teacher, score, confidence, is_sure}: `score` in [0, 1] is the teacher's
    confidence in the given answer (None: not known), `confidence` that in its own.
    """
    if not skill.votes:
        return 0, []
    once = {row["id"]: row for row in rows if row["references"] and lines.get(row["id"])}
    scored = _scored(once.values(), lines, labels, prior) if skill.has_labels else {}
    sure = _thresholds(scored, once, labels)
    judged = 0
    found: list[LabelError] = []
    for name, row in once.items():
        if name in scored:
            opinion: dict[str, Any] | None = _by_scores(row, scored[name], labels, sure)
        else:
            opinion = _by_votes(row, lines[name], skill, labels)
        judged += opinion is not None
        if opinion and not skill.verify(opinion["teacher"], row["references"]):
            found.append(_named(row, skill) | opinion)
    return judged, sorted(found, key=_suspicion)


def _suspicion(error: LabelError) -> tuple[bool, bool, float, float, str]:
    score, confidence = error["score"], error["confidence"]
    return (not error["is_sure"], score is None, score or 0.0, -(confidence or 0.0), error["id"])


def _named(row: Row, skill: Skill) -> dict[str, Any]:
    prompt = skill.as_text(row["messages"])
    return {"id": row["id"], "source": row["source"], "prompt": prompt, "given": row["references"]}


def _scored(
    rows: Iterable[Row], lines: Lines, labels: Sequence[str], prior: Sequence[float] | None
) -> dict[str, NDArray[np.float64]]:
    """Return the teacher's probability of each label by row id, the mean over its completions, if all were scored."""
    found = {}
    for row in rows:
        scores = [line["label_scores"] for line in lines[row["id"]]]
        if row["references"][0] in labels and all(scores):
            found[row["id"]] = np.mean([probabilities(one, prior) for one in scores], axis=0)
    return found


def _thresholds(
    scored: Mapping[str, NDArray[np.float64]], rows: Mapping[str, Row], labels: Sequence[str]
) -> list[float]:
    """Return for each label its mean probability over the rows given it; infinity for a label of no row."""
    given = {name: labels.index(rows[name]["references"][0]) for name in scored}
    own = [[scored[name][at] for name in scored if given[name] == at] for at in range(len(labels))]
    return [float(np.mean(values)) if values else np.inf for values in own]


def _by_scores(row: Row, scores_L: NDArray[np.float64], labels: Sequence[str], sure: Sequence[float]) -> dict[str, Any]:
    best = int(np.argmax(scores_L))
    return {
        "teacher": labels[best],
        "score": float(scores_L[labels.index(row["references"][0])]),
        "confidence": float(scores_L[best]),
        "is_sure": bool(scores_L[best] >= sure[best]),
    }


def _by_votes(row: Row, lines: Sequence[dict[str, Any]], skill: Skill, labels: Sequence[str]) -> dict[str, Any] | None:
    """Return what the completions say; None if they neither support nor contradict the row's answer for sure."""
    read = [skill.parse(line["text"], labels) for line in lines if line["finish_reason"] == "stop"]
    answers = [answer for answer in read if answer is not None]
    if not answers or (not skill.has_labels and len(answers) < max(_MIN_ROLLOUTS, len(lines))):
        return None
    votes = [next(other for other in answers if skill.equivalent(other, answer)) for answer in answers]
    winner = majority(votes)
    share = votes.count(winner) / len(lines)
    if skill.verify(winner, row["references"]) is None or (not skill.has_labels and share < 1.0):
        return None
    agreeing = sum(bool(skill.verify(answer, row["references"])) for answer in answers)
    if len(lines) > 1:
        return {"teacher": winner, "score": agreeing / len(lines), "confidence": share, "is_sure": share == 1.0}
    # a single free answer was never judged, so this one is a label
    logprob = completion_of(lines[0]).log_certainty(is_closed=True)
    confidence = None if logprob is None else float(np.exp(logprob))
    score = None if confidence is None else 1.0 - confidence
    return {"teacher": winner, "score": score, "confidence": confidence, "is_sure": False}
