"""Gives each training example its share of the teacher's reasoning: long, short, or the answer alone.

The samples of a prompt that came to the same answer are what is chosen from. The filters decided which answer that is,
by the majority and, where a recipe asks for it, by the reference.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from stillhouse.dataset.example import TrainingExample
from stillhouse.dataset.summary import ReasoningCounts
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.outcome import PASSED_OVER, FilterResult
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.skill import Skill

Form = Literal["long", "short", "alone"]
_BYTES_OF_A_TOKEN = 3  # of recorded reasoning, whose tokens nobody counted; English has about 4, other scripts less


class Sample(NamedTuple):
    """One way to an example's answer: what the student would write, the reasoning before it, and tokens of both."""

    target: str
    reasoning: str
    tokens: int
    key: str = ""  # of its completion


class Mixed(NamedTuple):
    """An example with its share of reasoning, and what became of it."""

    example: TrainingExample
    outcome: str  # long, short, alone, or why it teaches the answer alone though another share was drawn
    is_single: bool = False  # it teaches short reasoning, and no other sample came to its answer


def form_of(row_id: str, mix: ReasoningMix) -> Form:
    """Return which share a row is in, by a hash of its id; uniform over ids."""
    digest = hashlib.sha256(f"{mix.seed}:{row_id}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < mix.long:
        return "long"
    return "short" if place < mix.long + mix.short else "alone"


def mix_reasoning(
    examples: Iterable[TrainingExample],
    samples: Mapping[tuple[str, int | None], Sequence[Sample]],
    mix: ReasoningMix,
    skill: Skill,
    labels: Sequence[str],
) -> tuple[list[TrainingExample], ReasoningCounts]:
    """Return the examples with their share of reasoning, and how many have which.

    Args:
        samples: of `agreeing_samples`; an example without is its own only sample.
    """
    found = [_mixed(one, samples.get((one.row["id"], one.teacher_number), ()), mix, skill, labels) for one in examples]
    counts = Counter(one.outcome for one in found)
    summary = ReasoningCounts(
        long=counts["long"],
        short=counts["short"],
        alone=counts["alone"],
        too_long=counts["too_long"],
        without=counts["without"],
        single=sum(one.is_single for one in found),
    )
    return [one.example for one in found], summary


def agreeing_samples(result: FilterResult, skill: Skill) -> dict[tuple[str, int | None], list[Sample]]:
    """Return the samples that came to the answer of each kept completion, by row id and teacher, in their order.

    Left out are those that a rule objected to. Free answers that can't agree are a kept one each, and no choice.
    """
    if not skill.votes:
        return {}
    others: dict[tuple[str, int | None], list[Candidate]] = defaultdict(list)
    for drop in result.dropped:
        if drop.candidate and drop.reason in PASSED_OVER:
            others[_place(drop.candidate)].append(drop.candidate)
    found: dict[tuple[str, int | None], list[Sample]] = {}
    for kept in result.kept:
        agreeing = [kept, *(one for one in others[_place(kept)] if _agree(kept, one, skill))]
        agreeing.sort(key=lambda one: one.rollout_index)
        found[_place(kept)] = [sample_of(one) for one in agreeing]
    return found


def sample_of(candidate: Candidate) -> Sample:
    """Return a candidate as one way to its answer."""
    completion = candidate.completion
    return Sample(candidate.target, completion.reasoning, completion.completion_tokens, completion.key)


def _place(candidate: Candidate) -> tuple[str, int | None]:
    return candidate.row["id"], candidate.completion.teacher_number


def _agree(one: Candidate, other: Candidate, skill: Skill) -> bool:
    return one.answer is not None and other.answer is not None and skill.equivalent(one.answer, other.answer)


def _mixed(
    example: TrainingExample, samples: Sequence[Sample], mix: ReasoningMix, skill: Skill, labels: Sequence[str]
) -> Mixed:
    """Return an example that teaches the reasoning of the sample that its row's share asks for."""
    samples = [] if example.is_given else list(samples)
    samples = samples or [_own_sample(example)]
    alone = answer_alone(example, mix, skill, labels)
    reasoned = [one for one in samples if _has_reasoning(one, alone, mix)]
    form = form_of(example.row["id"], mix)
    if not reasoned:
        # nothing to choose: it is no part of any share
        return Mixed(alone, "without")
    if form == "alone":
        return Mixed(alone, form)
    fitting = [one for one in reasoned if mix.max_tokens is None or one.tokens <= mix.max_tokens]
    if not fitting:
        return Mixed(alone, "too_long")
    # of equal ones the first in both cases
    chosen = (max if form == "long" else min)(fitting, key=lambda one: one.tokens)
    reasoning = chosen.reasoning if mix.place == "block" else ""
    mixed = example._replace(target=chosen.target, reasoning=reasoning, key=chosen.key)
    return Mixed(mixed, form, form == "short" and len(samples) == 1)


def answer_alone(example: TrainingExample, mix: ReasoningMix, skill: Skill, labels: Sequence[str]) -> TrainingExample:
    """Return the example without reasoning: without the block before the answer, or without the steps in its text."""
    if mix.place == "block":
        return example._replace(reasoning="")
    answer = skill.parse(example.target, labels)
    target = example.target if answer is None else skill.answer_alone(answer)
    return example._replace(target=target, reasoning="")


def _has_reasoning(sample: Sample, alone: TrainingExample, mix: ReasoningMix) -> bool:
    return bool(sample.reasoning.strip()) if mix.place == "block" else sample.target != alone.target


def _own_sample(example: TrainingExample) -> Sample:
    """Return what an example says without others to compare it with; nobody counted a recorded one's tokens."""
    size = len((example.reasoning + example.target).encode())
    estimate = -(-size // _BYTES_OF_A_TOKEN)
    tokens = estimate if example.tokens is None else example.tokens
    return Sample(example.target, example.reasoning, tokens, example.key)
