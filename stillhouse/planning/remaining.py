"""What the requests that are still to be sent will take, forecast from those that the probe asked.

Separate because it is arithmetic over the probe's answers and the lengths of all prompts; nothing is read here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.forecast import Range, exact_range, forecast_sum, sum_ranges
from stillhouse.costs.price import HOUR_S, ResolvedPrice
from stillhouse.inference.vllm.sizing import MAX_NUM_SEQS
from stillhouse.planning.probe_result import AnswerUsage, ProbeResult, Workload
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.teacher import Engine, Teacher
from stillhouse.teachers.probe import prompts_of


class RemainingUsage(BaseModel):
    """Amounts to come; None where the probe says nothing of them, or there is no price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: Range | None
    completion_tokens: Range | None
    tokens: Range | None
    usd: Range | None
    seconds: Range | None

    def product(self, share: Range | None) -> "RemainingUsage":
        """Return what a share of all this takes, itself a forecast; None where nothing is known of it."""
        return RemainingUsage(**{name: _share_of(found, share) for name, found in self})

    def plus(self, other: "RemainingUsage") -> "RemainingUsage":
        """Return what both take."""
        return RemainingUsage(**{name: sum_ranges([found, getattr(other, name)]) for name, found in self})


def _share_of(found: Range | None, share: Range | None) -> Range | None:
    if share is None:
        return None
    if found is None:
        # none came in the sample, so that nothing tells what one takes: none is expected, and there is no bound
        return Range(value=0.0, low=0.0, high=None) if share.value == 0.0 else None
    return found.product(share)


@dataclass(frozen=True)
class Sample:
    """The probe's prompts: their sizes, and the answers to each."""

    sizes: list[float]
    answers: list[list[AnswerUsage]]

    def sum_over(
        self, sizes: list[float], measure: Callable[[AnswerUsage], float], most: float | None = None
    ) -> Range | None:
        """Return the forecast sum of `measure` over one answer to each prompt of `sizes`."""
        seen = [fmean(measure(one) for one in answers) for answers in self.answers]
        return forecast_sum(self.sizes, seen, sizes, most)


def sample_of(known: ProbeResult) -> Sample:
    """Return what the probe's prompts took."""
    lessons, prompts = known.lessons, known.probed_prompts()
    return Sample(
        sizes=[float(lessons.sizes[keys[0]]) for keys in prompts],
        answers=[[lessons.stored[key] for key in keys] for keys in prompts],
    )


def forecast_usage(
    part: Workload, sample: Sample, tariff: ResolvedPrice, max_tokens: int, seconds: Range | None, *, is_exact: bool
) -> RemainingUsage:
    """Return what the missing requests of `part` will take; `seconds` is the time for them."""
    missing = set(part.missing)
    # samples of one prompt are alike: the prompt is the unit, and its missing samples are counted
    prompts = [keys for keys in prompts_of(part.places).values() if any(key in missing for key in keys)]
    sizes = [float(part.sizes[keys[0]]) for keys in prompts]
    each = len(missing) / len(prompts) if prompts else 1.0
    completion = _times(sample.sum_over(sizes, lambda one: one.completion_tokens, max_tokens), each)
    prompt = (
        exact_range(float(sum(part.sizes[key] for key in missing)))
        if is_exact
        else _times(sample.sum_over(sizes, lambda one: one.prompt_tokens), each)
    )
    tokens = _times(sample.sum_over(sizes, lambda one: one.prompt_tokens + one.completion_tokens), each)
    if prompt is None or completion is None or tokens is None:
        return RemainingUsage(
            prompt_tokens=prompt, completion_tokens=completion, tokens=None, usd=None, seconds=seconds
        )
    usd = _usd(sample, sizes, each, tariff, seconds)
    if usd and tariff.by_tokens:
        usd = usd.recentred(tariff.usd(prompt.value, completion.value, None) or 0.0)
    return RemainingUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        # the sum of both, with the interval of the sum
        tokens=tokens.recentred(prompt.value + completion.value),
        usd=usd,
        seconds=seconds,
    )


def _usd(sample: Sample, sizes: list[float], each: float, tariff: ResolvedPrice, seconds: Range | None) -> Range | None:
    if tariff.by_tokens:
        return _times(
            sample.sum_over(sizes, lambda one: tariff.usd(one.prompt_tokens, one.completion_tokens, None) or 0.0), each
        )
    if tariff.usd_per_hour is None or seconds is None:
        return None
    return seconds.times(tariff.usd_per_hour / HOUR_S)


def _times(found: Range | None, factor: float) -> Range | None:
    return None if found is None else found.times(factor)


_MINUTE_S = 60.0


def seconds_for(
    part: Workload, sample: Sample, asked: Teacher | Judge, probe: Mapping[str, Any], num_alone: int = 0
) -> Range | None:
    """Return the seconds for the missing requests of `part`; `probe` is the summary of its stage."""
    if asked.endpoint:
        return endpoint_seconds(part, sample, asked.endpoint, asked.sampling.max_tokens, num_alone)
    return engine_seconds(len(part.missing), probe, asked.engine)


def engine_seconds(num_missing: int, probe: Mapping[str, Any], engine: Engine) -> Range | None:
    """Return the seconds after the engine's start: at the probe's pace, at best sped up by as many more at once."""
    if not num_missing:
        return exact_range(0.0)
    if not probe["generated"]:
        return None
    at_once = engine.max_num_seqs or MAX_NUM_SEQS
    as_probed = float(probe["seconds"]) / probe["generated"] * num_missing
    fuller = min(1.0, min(probe["generated"], at_once) / min(num_missing, at_once))
    return Range(value=as_probed, low=as_probed * fuller, high=as_probed)


def endpoint_seconds(
    part: Workload, sample: Sample, endpoint: Endpoint, max_tokens: int, num_alone: int
) -> Range | None:
    """Return the seconds of asking, the first `num_alone` one at a time and the others together."""
    missing = part.missing
    if not missing:
        return exact_range(0.0)
    sizes = [float(part.sizes[key]) for key in missing]
    work = sample.sum_over(sizes, lambda one: one.seconds)
    prompt_tokens = sample.sum_over(sizes, lambda one: one.prompt_tokens)
    if work is None or prompt_tokens is None:
        return None
    alone = min(num_alone, len(missing))
    in_turn = alone + (len(missing) - alone) / min(endpoint.concurrency, len(missing))
    least = 0.0
    if endpoint.requests_per_minute:
        least = _MINUTE_S * len(missing) / endpoint.requests_per_minute
    if endpoint.tokens_per_minute:
        # an answer is counted in full when its request is sent
        counted = prompt_tokens.value + max_tokens * len(missing)
        least = max(least, _MINUTE_S * counted / endpoint.tokens_per_minute)
    return work.times(in_turn / len(missing)).at_least(least)
