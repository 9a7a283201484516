"""How often student and teacher give the same answer, right or wrong."""

from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.scoring import Scoring
from stillhouse.evaluation.significance import share_interval
from stillhouse.metrics.metric import Answers
from stillhouse.skills.skill import Skill


def same_answer(one: str | None, other: str | None, skill: Skill) -> bool:
    """Return whether two answers mean the same; two that can't be read do."""
    return one == other if one is None or other is None else skill.equivalent(one, other)


def agreement_block(student: Answers, teacher: Answers, scoring: Scoring) -> dict[str, Any]:
    """Return the report's `agreement`: the share of test rows with the same answer, and what both get wrong.

    The rows that both get wrong are null if the skill's answers are not plainly right or wrong.
    """
    skill = scoring.skill
    same = [same_answer(one, other, skill) for one, other in zip(student, teacher, strict=True)]
    wrong = [_both_wrong(*three, skill) for three in zip(student, teacher, scoring.references, strict=True)]
    is_known = None not in wrong
    return {
        "same": asdict(share_interval([float(one) for one in same], scoring.settings, scoring.clusters)),
        "both_wrong": sum(map(bool, wrong)) if is_known else None,
        "both_wrong_same": sum(bool(one) and alike for one, alike in zip(wrong, same, strict=True))
        if is_known
        else None,
    }


def _both_wrong(one: str | None, other: str | None, references: Any, skill: Skill) -> bool | None:
    verdicts = [False if answer is None else skill.verify(answer, references) for answer in (one, other)]
    return None if None in verdicts else not any(verdicts)
