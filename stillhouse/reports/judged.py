"""The report's `judge` block: what the judge said, what it took, and why one might not believe it.

Separate because verdicts are a model's opinions: they are shown with what is known of their bias, or not at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.judging.win_rate import tally
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.judge import Judge

# more of its verdicts can't be read: the judge does not do what it is told
_MOST_UNREADABLE = 0.1
# from here on, most pairs say more of the order than of the answers
_LEAST_AGREEMENT = 0.5


def judge_block(
    judge: Judge,
    name: str,
    settings: Evaluation,
    lines: Sequence[Mapping[str, Any]],
    questions: GenerationSummary | None,
    scored: Mapping[str, Any] | None,
    same_as: Sequence[str],
) -> dict[str, Any]:
    """Return the block.

    Args:
        name: the judge's model for people.
        lines: the table of pairs with their verdicts; empty where none were compared.
        questions: what this run requested about pairs.
        scored: the summary of the scores, with what this run requested for them.
        same_as: of teacher and student, those whose model the judge is.
    """
    by_opponent: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_opponent.setdefault(line["against"], []).append(dict(line))
    against = {opponent: tally(found, settings) for opponent, found in by_opponent.items()}
    return {
        "name": name,
        "engine": f"{judge.endpoint.provider} API" if judge.endpoint else "vLLM",
        "criteria": judge.criteria,
        "against": against,
        "questions": questions.counts() if questions else None,
        "scored": _scored(scored) if scored else None,
        "notes": (*_kinship(same_as), *_doubts(against), *_unread_scores(scored)),
    }


def _kinship(same_as: Sequence[str]) -> list[str]:
    return [
        f"the judge is the {role}: models prefer answers worded as they would word them (arXiv:2404.13076), so that "
        "its verdicts favour what it taught; take a judge of another family"
        for role in same_as
    ]


def _doubts(against: Mapping[str, Mapping[str, Any]]) -> list[str]:
    notes = []
    for opponent, found in against.items():
        if found["unreadable"] > _MOST_UNREADABLE * 2 * found["asked"]:
            notes.append(f"{found['unreadable']} of {2 * found['asked']} verdicts against the {opponent} can't be read")
        if found["agreement"] is not None and found["agreement"] < _LEAST_AGREEMENT:
            notes.append(
                f"against the {opponent}, both orders gave the same verdict for {found['agreement']:.0%} of the pairs "
                "only: the judge goes by the order more than by the answers"
            )
    return notes


def _unread_scores(scored: Mapping[str, Any] | None) -> list[str]:
    if not scored or scored["unreadable"] <= _MOST_UNREADABLE * scored["scored"]:
        return []
    return [f"{scored['unreadable']} of {scored['scored']} scores can't be read; their answers were dropped"]


def _scored(summary: Mapping[str, Any]) -> dict[str, Any]:
    questions = GenerationSummary.of(summary).counts()
    return {**{name: summary[name] for name in ("scored", "unreadable", "scores")}, "questions": questions}
