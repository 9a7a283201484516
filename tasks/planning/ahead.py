"""What the requests that are still to be sent will take, forecast from those that the probe asked.

Separate because it is arithmetic over the probe's answers and the lengths of all prompts; nothing is read here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from pydantic import BaseModel, ConfigDict

from tasks.costs.forecast import Range, exactly, forecast_sum, together
from tasks.costs.tariff import HOUR_S, Tariff
from tasks.planning.known import Known, Part, Took
from tasks.teachers.probe import prompts_of


class Ahead(BaseModel):
    """Amounts to come; None where the probe says nothing of them, or there is no price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: Range | None
    completion_tokens: Range | None
    tokens: Range | None
    usd: Range | None
    seconds: Range | None

    def by(self, share: Range | None) -> "Ahead":
        """Return what a share of all this takes, itself a forecast; None where nothing is known of it."""
        return Ahead(**{name: _share_of(found, share) for name, found in self})

    def plus(self, other: "Ahead") -> "Ahead":
        """Return what both take."""
        return Ahead(**{name: together([found, getattr(other, name)]) for name, found in self})


def _share_of(found: Range | None, share: Range | None) -> Range | None:
    if share is None:
        return None
    if found is None:
        # none came in the sample, so that nothing tells what one takes: none is expected, and there is no bound
        return Range(value=0.0, low=0.0, high=None) if share.value == 0.0 else None
    return found.by(share)


@dataclass(frozen=True)
class Sample:
    """The probe's prompts: their sizes, and the answers to each."""

    sizes: list[float]
    answers: list[list[Took]]

    def sum_over(self, sizes: list[float], measure: Callable[[Took], float], most: float | None = None) -> Range | None:
        """Return the forecast sum of `measure` over one answer to each prompt of `sizes`."""
        seen = [fmean(measure(one) for one in answers) for answers in self.answers]
        return forecast_sum(self.sizes, seen, sizes, most)


def sample_of(known: Known) -> Sample:
    """Return what the probe's prompts took."""
    lessons, prompts = known.lessons, known.probed_prompts()
    return Sample(
        sizes=[float(lessons.sizes[keys[0]]) for keys in prompts],
        answers=[[lessons.stored[key] for key in keys] for keys in prompts],
    )


def ahead(
    part: Part, sample: Sample, tariff: Tariff, max_tokens: int, seconds: Range | None, *, is_exact: bool
) -> Ahead:
    """Return what the missing requests of `part` will take; `seconds` is the time for them."""
    missing = set(part.missing)
    # samples of one prompt are alike: the prompt is the unit, and its missing samples are counted
    prompts = [keys for keys in prompts_of(part.places).values() if any(key in missing for key in keys)]
    sizes = [float(part.sizes[keys[0]]) for keys in prompts]
    each = len(missing) / len(prompts) if prompts else 1.0
    completion = _times(sample.sum_over(sizes, lambda one: one.completion_tokens, max_tokens), each)
    prompt = (
        exactly(float(sum(part.sizes[key] for key in missing)))
        if is_exact
        else _times(sample.sum_over(sizes, lambda one: one.prompt_tokens), each)
    )
    tokens = _times(sample.sum_over(sizes, lambda one: one.prompt_tokens + one.completion_tokens), each)
    if prompt is None or completion is None or tokens is None:
        return Ahead(prompt_tokens=prompt, completion_tokens=completion, tokens=None, usd=None, seconds=seconds)
    usd = _usd(sample, sizes, each, tariff, seconds)
    if usd and tariff.by_tokens:
        usd = usd.around(tariff.usd(prompt.value, completion.value, None) or 0.0)
    return Ahead(
        prompt_tokens=prompt,
        completion_tokens=completion,
        # the sum of both, with the interval of the sum
        tokens=tokens.around(prompt.value + completion.value),
        usd=usd,
        seconds=seconds,
    )


def _usd(sample: Sample, sizes: list[float], each: float, tariff: Tariff, seconds: Range | None) -> Range | None:
    if tariff.by_tokens:
        return _times(
            sample.sum_over(sizes, lambda one: tariff.usd(one.prompt_tokens, one.completion_tokens, None) or 0.0), each
        )
    if tariff.usd_per_hour is None or seconds is None:
        return None
    return seconds.times(tariff.usd_per_hour / HOUR_S)


def _times(found: Range | None, factor: float) -> Range | None:
    return None if found is None else found.times(factor)
