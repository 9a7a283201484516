"""Builds pairs of a better and a worse sample of one prompt, for the second step of training.

Both are the teacher's own, and both could be read. The better one is one that no filter objected to; the worse one may
be what a filter dropped for being wrong.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from stillhouse.dataset.answer_turn import answer_turn
from stillhouse.dataset.example import TrainingExample
from stillhouse.dataset.pair_files import PAIR_FILES
from stillhouse.dataset.reasoning_mix import answer_alone, form_of
from stillhouse.dataset.spec import DatasetSpec
from stillhouse.dataset.summary import PreferenceCounts
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.outcome import PASSED_OVER, FilterResult
from stillhouse.recipe.teaching.preferences import Pairs
from stillhouse.skills.skill import Skill

_WHAT_TO_DO = {
    "verifier": "take rows with references (and training.use_references: false, so that the teacher answers them)",
    "majority": "take harder prompts",
    "judge": "lower training.preferences.pairs.least_margin",
}


class Judged(NamedTuple):
    """A sample, how good it is (None: not known), and whether it may be a pair's better one."""

    candidate: Candidate
    score: float | None
    is_faultless: bool


class Pair(NamedTuple):
    """Two samples of one prompt, the better one first."""

    chosen: Judged
    rejected: Judged

    @property
    def margin(self) -> float:
        """By how much the better one is better."""
        assert self.chosen.score is not None, "unscored samples are in no pair"
        assert self.rejected.score is not None, "unscored samples are in no pair"
        return self.chosen.score - self.rejected.score


def write_preferences(results: Mapping[str, FilterResult], spec: DatasetSpec, out: Path) -> PreferenceCounts | None:
    """Write each split's pairs as lines {id, prompt, chosen, rejected, ...} of PAIR_FILES, and return their counts.

    None, and no file, if the recipe has no second step.

    Raises:
        QualityError: there are fewer training pairs than the recipe asks for.
    """
    if spec.pairs is None:
        return None
    found = {name: find_pairs(results[name], spec.pairs, spec.skill) for name in PAIR_FILES}
    for name, file in PAIR_FILES.items():
        lines = (pair_line(pair, spec) for pair in found[name][0])
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (out / file).write_text(text, encoding="utf-8")
    pairs, left_out = found["train"]
    prompts = len({pair.chosen.candidate.row["id"] for pair in pairs}) + sum(left_out.values())
    counts = PreferenceCounts(
        prompts=prompts, pairs=len(pairs), validation_pairs=len(found["validation"][0]), left_out=left_out
    )
    _check_number(counts, spec.pairs)
    return counts


def find_pairs(result: FilterResult, pairs: Pairs, skill: Skill) -> tuple[list[Pair], dict[str, int]]:
    """Return the pairs of all prompts, and how many prompts have none, by why.

    The reasons: `single` (fewer than two samples could be read), `unscored` (fewer than two are known to be good or
    bad), `alike` (none is enough better than another), `no_better` (what is better was dropped by a filter).
    """
    found: list[Pair] = []
    left_out: Counter[str] = Counter()
    for samples in _by_prompt(result, pairs, skill).values():
        of_prompt = _pairs_of(samples, pairs)
        if isinstance(of_prompt, str):
            left_out[of_prompt] += 1
        else:
            found += of_prompt
    return found, dict(left_out.most_common())


def pair_line(pair: Pair, spec: DatasetSpec) -> dict[str, Any]:
    """Return a pair as a student learns it: its prompt as served, and both answers with what precedes them."""
    chosen, rejected = (_example(one.candidate) for one in pair)
    chosen, rejected = _with_equal_share(chosen, rejected, spec)
    teachers = [one.teacher_number for one in (chosen, rejected)]
    return {
        "id": chosen.row["id"],
        "prompt": spec.skill.student_messages(chosen.row["messages"], spec.labels),
        "chosen": [answer_turn(chosen, spec)],
        "rejected": [answer_turn(rejected, spec)],
        "scores": [pair.chosen.score, pair.rejected.score],
        "samples": [pair.chosen.candidate.rollout_index, pair.rejected.candidate.rollout_index],
        **({"teachers": teachers} if any(teachers) else {}),
    }


def _by_prompt(result: FilterResult, pairs: Pairs, skill: Skill) -> dict[str, list[Judged]]:
    """Return the samples of each prompt that could be read to their end, each once, in the order of their drawing."""
    kept = {one.row["id"]: one for one in reversed(result.kept)}
    faultless = [*result.kept, *(drop.candidate for drop in result.dropped if drop.reason in PASSED_OVER)]
    faulty = [drop.candidate for drop in result.dropped if drop.reason not in PASSED_OVER]
    found: dict[str, dict[Any, Judged]] = defaultdict(dict)
    for is_faultless, candidates in ((True, faultless), (False, faulty)):
        for one in candidates:
            if one is None:
                continue
            place = (one.completion.teacher_number or 0, one.rollout_index)
            samples = found[one.row["id"]]
            if one.answer is not None and one.completion.finish_reason == "stop" and place not in samples:
                score = _score(one, kept.get(one.row["id"]), pairs, skill)
                samples[place] = Judged(one, score, is_faultless)
    return {row_id: [samples[place] for place in sorted(samples)] for row_id, samples in found.items()}


def _score(candidate: Candidate, kept: Candidate | None, pairs: Pairs, skill: Skill) -> float | None:
    """Return how good a sample is, by what the recipe goes by; None if that is not known."""
    if pairs.by == "judge":
        return None if candidate.judge_score is None else float(candidate.judge_score)
    if pairs.by == "verifier":
        return None if candidate.agrees_with_reference is None else float(candidate.agrees_with_reference)
    if kept is None or kept.answer is None or candidate.answer is None:
        return None
    return float(skill.equivalent(kept.answer, candidate.answer))


def _pairs_of(samples: Sequence[Judged], pairs: Pairs) -> list[Pair] | str:
    """Return the pairs of one prompt's samples, the widest first, or why there is none."""
    if len(samples) < 2:
        return "single"
    scored = [one for one in samples if one.score is not None]
    if len(scored) < 2:
        return "unscored"
    least = pairs.least_margin if pairs.by == "judge" else 1
    found = [
        pair
        for pair in (Pair(*two) for two in product(scored, scored))
        if pair.margin >= least and pair.chosen.candidate.target != pair.rejected.candidate.target
    ]
    if not found:
        return "alike"
    usable = [pair for pair in found if pair.chosen.is_faultless]
    if not usable:
        return "no_better"
    return _widest(usable, pairs.per_prompt)


def _widest(found: Iterable[Pair], most: int) -> list[Pair]:
    """Return the pairs with the widest margins, each text of a kind once as long as there are others."""
    kept: list[Pair] = []
    for pair in sorted(found, key=lambda pair: -pair.margin):  # of equal ones those first drawn
        texts = (pair.chosen.candidate.target, pair.rejected.candidate.target)
        if all(texts != (one.chosen.candidate.target, one.rejected.candidate.target) for one in kept):
            kept.append(pair)
    used: Counter[str] = Counter()
    chosen: list[Pair] = []
    while kept and len(chosen) < most:
        best = min(kept, key=lambda pair: used[pair.chosen.candidate.target] + used[pair.rejected.candidate.target])
        kept.remove(best)
        used.update((best.chosen.candidate.target, best.rejected.candidate.target))
        chosen.append(best)
    return chosen


def _example(candidate: Candidate) -> TrainingExample:
    completion = candidate.completion
    return TrainingExample(
        candidate.row,
        candidate.target,
        completion.teacher_number,
        reasoning=completion.reasoning,
        tokens=completion.completion_tokens,
    )


def _with_equal_share(
    chosen: TrainingExample, rejected: TrainingExample, spec: DatasetSpec
) -> tuple[TrainingExample, TrainingExample]:
    """Return both with as much reasoning as the row's share of it: what tells them apart must not be its presence."""
    mix = spec.reasoning_mix
    if spec.reasoning != "mix" or mix is None:
        return chosen, rejected
    is_too_long = any(mix.max_tokens and (one.tokens or 0) > mix.max_tokens for one in (chosen, rejected))
    if is_too_long or form_of(chosen.row["id"], mix) == "alone":
        alone = [answer_alone(one, mix, spec.skill, spec.labels) for one in (chosen, rejected)]
        if alone[0].target != alone[1].target:
            return alone[0], alone[1]
    if mix.place == "text":
        return chosen._replace(reasoning=""), rejected._replace(reasoning="")
    return chosen, rejected


def _check_number(counts: PreferenceCounts, pairs: Pairs) -> None:
    if counts.pairs >= pairs.least:
        return
    why = ", ".join(f"{reason} {number}" for reason, number in counts.left_out.items())
    raise QualityError(
        f"{counts.pairs} pairs of {counts.prompts} prompts for training.preferences, whose pairs.least is "
        f"{pairs.least}. Prompts without a pair: {why or 'none'}. Raise teachers.0.sampling.n or its temperature, "
        f"{_WHAT_TO_DO[pairs.by]}, lower pairs.least, or leave training.preferences out"
    )
