"""The report's `judge` block: the verdicts, their cost, and notes on the judge's bias."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.recipe.judge import Judge

# above this share, the judge does not follow its instruction
_MAX_UNREADABLE = 0.1
# below this share, most verdicts depend on the order more than on the answers
_MIN_AGREEMENT = 0.5


def judge_block(
    judge: Judge,
    name: str,
    against: Mapping[str, Mapping[str, Any]],
    questions: GenerationSummary | None,
    scored: Mapping[str, Any] | None,
    same_as: Sequence[str],
) -> dict[str, Any]:
    """Return the block.

    Args:
        name: the judge model's display name.
        against: the verdicts' tally by opponent; empty if no models were compared.
        questions: what this run requested about pairs.
        scored: the summary of the scores, with what this run requested for them.
        same_as: the roles that the judge's own model has besides.
    """
    return {
        "name": name,
        "engine": f"{judge.endpoint.provider} API" if judge.endpoint else "vLLM",
        "criteria": judge.criteria,
        "against": against,
        "questions": questions.counts() if questions else None,
        "scored": _scored(scored) if scored else None,
        "notes": (*_same_model_notes(same_as), *_verdict_notes(against), *_score_notes(scored)),
    }


def _same_model_notes(same_as: Sequence[str]) -> list[str]:
    return [
        f"the judge is the {role}: models prefer answers worded like their own (arXiv:2404.13076), so its verdicts "
        "favour what it taught; take a judge of another family"
        for role in same_as
    ]


def _verdict_notes(against: Mapping[str, Mapping[str, Any]]) -> list[str]:
    notes = []
    for opponent, result in against.items():
        unreadable, verdicts, agreement = result["unreadable"], 2 * result["asked"], result["agreement"]
        if unreadable > _MAX_UNREADABLE * verdicts:
            notes.append(f"{unreadable} of {verdicts} verdicts against the {opponent} can't be read")
        if agreement is not None and agreement < _MIN_AGREEMENT:
            notes.append(
                f"against the {opponent}, both orders gave the same verdict for only {agreement:.0%} of the pairs: the "
                "verdicts depend on the order more than on the answers"
            )
    return notes


def _score_notes(scored: Mapping[str, Any] | None) -> list[str]:
    if not scored or scored["unreadable"] <= _MAX_UNREADABLE * scored["scored"]:
        return []
    return [f"{scored['unreadable']} of {scored['scored']} scores can't be read; their answers were dropped"]


def _scored(summary: Mapping[str, Any]) -> dict[str, Any]:
    questions = GenerationSummary.model_validate(summary).counts()
    return {**{name: summary[name] for name in ("scored", "unreadable", "scores")}, "questions": questions}
