"""What the requests still to be sent will take, forecast from those of the probe."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.forecast import Range, exact_range, forecast_sum, sum_ranges
from stillhouse.costs.price import HOUR_S, ResolvedPrice
from stillhouse.inference.vllm.sizing import MAX_NUM_SEQS
from stillhouse.planning.probe_result import CompletionUsage, Workload
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Engine, ServedModel

_MINUTE_S = 60.0


class Frozen(BaseModel):
    """A part of the plan. An alias is the name in its JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class RemainingUsage(Frozen):
    """Amounts to come; None if the probe does not tell, or there is no price."""

    prompt_tokens: Range | None
    completion_tokens: Range | None
    tokens: Range | None
    usd: Range | None
    seconds: Range | None

    def product(self, share: Range | None) -> "RemainingUsage":
        """Return what a share of the requests takes, itself a forecast; all None if the share is not known."""
        return RemainingUsage(**{name: _share_of(amount, share) for name, amount in self})

    def plus(self, other: "RemainingUsage") -> "RemainingUsage":
        """Return what both take together."""
        return RemainingUsage(**{name: sum_ranges([amount, getattr(other, name)]) for name, amount in self})


def _share_of(amount: Range | None, share: Range | None) -> Range | None:
    if share is None:
        return None
    if amount is None:
        # no such row in the sample: expect 0, with an unknown upper bound
        return Range(value=0.0, low=0.0, high=None) if share.value == 0.0 else None
    return amount.product(share)


@dataclass(frozen=True)
class Sample:
    """Prompts with their completions, to forecast others from."""

    sizes: list[float]
    usages: list[list[CompletionUsage]]  # one list per prompt
    is_exact: bool = False  # a size is the number of the model's own prompt tokens

    def sum_over(
        self, sizes: list[float], measure: Callable[[CompletionUsage], float], most: float | None = None
    ) -> Range | None:
        """Return the forecast sum of `measure` over one completion to each prompt of `sizes`."""
        return forecast_sum(self.sizes, [fmean(map(measure, prompt)) for prompt in self.usages], sizes, most)


def sample_of(
    workload: Workload,
    prompts: Iterable[list[str]],
    usage: Mapping[str, CompletionUsage],
    *,
    is_exact: bool = False,
) -> Sample:
    """Return those of `prompts`, lists of keys of `workload`, that have a key in `usage`."""
    known = [keys for keys in prompts if not usage.keys().isdisjoint(keys)]
    usages = [[usage[key] for key in keys if key in usage] for keys in known]
    return Sample([float(workload.sizes[keys[0]]) for keys in known], usages, is_exact)


def forecast_usage(
    workload: Workload,
    sample: Sample,
    model: ServedModel,
    price: ResolvedPrice,
    probe_summary: Mapping[str, Any],
    num_alone: int = 0,
) -> RemainingUsage:
    """Return what the missing requests of `workload` will take; the first `num_alone` are sent one at a time."""
    missing = set(workload.missing)
    # rollouts of one prompt are alike: the prompt is the unit, and its missing rollouts are counted
    prompts = [keys for keys in workload.prompts if not missing.isdisjoint(keys)]
    sizes = [float(workload.sizes[keys[0]]) for keys in prompts]
    num_each = len(missing) / len(prompts) if prompts else 1.0

    def total(measure: Callable[[CompletionUsage], float], most: float | None = None) -> Range | None:
        forecast = sample.sum_over(sizes, measure, most)
        return forecast.times(num_each) if forecast else None

    max_tokens = model.sampling.max_tokens
    if model.endpoint:
        seconds = endpoint_seconds(workload, sample, model.endpoint, max_tokens, num_alone)
    else:
        seconds = engine_seconds(len(missing), probe_summary, model.engine)
    exact = exact_range(float(sum(workload.sizes[key] for key in missing)))
    prompt = exact if sample.is_exact else total(lambda one: one.prompt_tokens)
    completion = total(lambda one: one.completion_tokens, max_tokens)
    tokens = total(lambda one: one.prompt_tokens + one.completion_tokens)
    usd = None
    if prompt and completion and tokens:
        # the sum of both, with the interval of the sum
        tokens = tokens.recentred(prompt.value + completion.value)
        if price.by_tokens:
            usd = total(lambda one: price.usd(one.prompt_tokens, one.completion_tokens, None) or 0.0)
            usd = usd and usd.recentred(price.usd(prompt.value, completion.value, None) or 0.0)
        elif price.usd_per_hour is not None and seconds:
            usd = seconds.times(price.usd_per_hour / HOUR_S)
    return RemainingUsage(prompt_tokens=prompt, completion_tokens=completion, tokens=tokens, usd=usd, seconds=seconds)


def engine_seconds(num_missing: int, probe: Mapping[str, Any], engine: Engine) -> Range | None:
    """Return the seconds after the engine's start: at the probe's pace, at best sped up by as many more at once."""
    if not num_missing:
        return exact_range(0.0)
    if not probe["generated"]:
        return None
    max_at_once = engine.max_num_seqs or MAX_NUM_SEQS
    as_probed = float(probe["seconds"]) / probe["generated"] * num_missing
    fuller = min(1.0, min(probe["generated"], max_at_once) / min(num_missing, max_at_once))
    return Range(value=as_probed, low=as_probed * fuller, high=as_probed)


def endpoint_seconds(
    workload: Workload, sample: Sample, endpoint: Endpoint, max_tokens: int, num_alone: int
) -> Range | None:
    """Return the seconds of the requests, the first `num_alone` one at a time and the others together."""
    missing = workload.missing
    if not missing:
        return exact_range(0.0)
    sizes = [float(workload.sizes[key]) for key in missing]
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
        # a completion counts with its greatest length when its request is sent
        reserved = prompt_tokens.value + max_tokens * len(missing)
        least = max(least, _MINUTE_S * reserved / endpoint.tokens_per_minute)
    return work.times(in_turn / len(missing)).at_least(least)
