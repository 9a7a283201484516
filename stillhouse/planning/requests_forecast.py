"""The requests of a run to each model: how many are stored, and what the others will take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from pydantic import ConfigDict, Field

from stillhouse.completions.completion import Completion
from stillhouse.config import StrictModel
from stillhouse.costs.forecast import Range, exact_range, forecast_sum, part_of, sum_ranges
from stillhouse.costs.price import HOUR_S, ResolvedPrice, generation_price, resolve_price
from stillhouse.costs.usage import Usage, UsageMeter
from stillhouse.inference.api.rate_limit import least_seconds
from stillhouse.inference.vllm.sizing import MAX_NUM_SEQS
from stillhouse.planning.inputs import PlanInputs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.teachers.probe import TEST_ROWS
from stillhouse.teachers.probe_result import ListedPrompt, ProbeResult, Sampled

Measure = Callable[[Completion], float]
_ALL = exact_range(1.0)


class RemainingUsage(StrictModel):
    """Amounts to come; None if the probe does not tell, or there is no price."""

    prompt_tokens: Range | None
    completion_tokens: Range | None
    tokens: Range | None
    usd: Range | None
    seconds: Range | None


class RequestsForecast(StrictModel):
    """The requests to one model for one purpose. An alias is the name in the plan's JSON."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    what: str
    requests: int  # those expected, if completions decide which are sent
    stored: int
    missing: int
    usage: Usage = Field(alias="bought")  # what the stored completions took
    remaining: RemainingUsage = Field(alias="ahead")
    tokens: Range | None  # in all, stored completions included
    usd: Range | None
    price: str


@dataclass(frozen=True)
class Workload:
    """Prompts for the model of a probe, and the sample that tells what their missing completions take."""

    probe: ProbeResult
    price: ResolvedPrice
    prompts: Sequence[ListedPrompt]
    sample: Sequence[Sampled]
    is_exact: bool = False  # a size is the number of the model's own prompt tokens
    share: Range | None = _ALL  # of the missing requests that will be sent; None if nothing tells
    num_alone: int = 0  # requests that are sent one at a time, before the others

    @property
    def num_missing(self) -> int:
        """Requests without a stored completion."""
        return sum(prompt.num_missing for prompt in self.prompts)

    def expected(self, number: int) -> float:
        """Return how many of `number` will be sent."""
        return number * self.share.value if self.share else 0.0

    def remaining(self) -> RemainingUsage:
        """Return what the requests that will be sent take."""
        missing = [prompt for prompt in self.prompts if prompt.num_missing]
        # rollouts of one prompt are alike: the prompt is the unit, and its missing rollouts are counted
        num_each = self.num_missing / len(missing) if missing else 1.0

        def total(measure: Measure, most: float | None = None) -> Range | None:
            forecast = self._sum_over([prompt.size for prompt in missing], measure, most)
            return forecast and forecast.times(num_each)

        price, endpoint = self.price, self.probe.model.endpoint
        seconds: Range | None = exact_range(0.0)
        if missing:
            seconds = self._endpoint_seconds(endpoint) if endpoint else self._engine_seconds()
        exact = exact_range(float(sum(prompt.size * prompt.num_missing for prompt in missing)))
        prompt = exact if self.is_exact else total(lambda one: one.prompt_tokens)
        completion = total(lambda one: one.completion_tokens, self.probe.model.sampling.max_tokens)
        tokens = total(lambda one: one.prompt_tokens + one.completion_tokens)
        usd = None
        if prompt and completion and tokens:
            # the sum of both, with the interval of the sum
            tokens = tokens.recentred(prompt.value + completion.value)
            if price.by_tokens:
                cached = total(lambda one: one.cached_tokens)
                usd = total(
                    lambda one: price.usd(one.prompt_tokens, one.completion_tokens, None, one.cached_tokens) or 0.0
                )
                centre = price.usd(prompt.value, completion.value, None, cached.value if cached else 0.0)
                usd = usd and usd.recentred(centre or 0.0)
            elif price.usd_per_hour is not None and seconds:
                usd = seconds.times(price.usd_per_hour / HOUR_S)
        amounts = zip(RemainingUsage.model_fields, (prompt, completion, tokens, usd, seconds), strict=True)
        return RemainingUsage(**{name: part_of(amount, self.share) for name, amount in amounts})

    def _sum_over(self, sizes: Sequence[float], measure: Measure, most: float | None = None) -> Range | None:
        """Return the forecast sum of `measure` over one completion to each prompt of `sizes`."""
        means = [fmean(map(measure, completions)) for _, completions in self.sample]
        return forecast_sum([size for size, _ in self.sample], means, sizes, most)

    def _engine_seconds(self) -> Range | None:
        """Return the seconds after the engine's start: at the probe's pace, at best sped up by as many more at once."""
        summary, max_at_once = self.probe.summary, self.probe.model.engine.max_num_seqs or MAX_NUM_SEQS
        if not summary.generated:
            return None
        as_probed = summary.seconds / summary.generated * self.num_missing
        fuller = min(1.0, min(summary.generated, max_at_once) / min(self.num_missing, max_at_once))
        return Range(value=as_probed, low=as_probed * fuller, high=as_probed)

    def _endpoint_seconds(self, endpoint: Endpoint) -> Range | None:
        """Return the seconds of the requests, the first `num_alone` one at a time and the others together."""
        num_missing = self.num_missing
        sizes = [prompt.size for prompt in self.prompts for _ in range(prompt.num_missing)]
        work = self._sum_over(sizes, lambda one: one.seconds)
        prompt_tokens = self._sum_over(sizes, lambda one: one.prompt_tokens)
        if work is None or prompt_tokens is None:
            return None
        num_alone = min(self.num_alone, num_missing)
        in_turn = num_alone + (num_missing - num_alone) / min(endpoint.concurrency, num_missing)
        reserved = prompt_tokens.value + self.probe.model.sampling.max_tokens * num_missing
        return work.times(in_turn / num_missing).at_least(least_seconds(endpoint, num_missing, reserved))


def forecast_requests(inputs: PlanInputs) -> Iterator[RequestsForecast]:
    """Yield each teacher's training rows and its test rows over an API, and the judge's scores."""
    recipe = inputs.recipe
    for index, (teacher, probe) in enumerate(zip(recipe.teachers, inputs.probes, strict=True)):
        name = teacher.display_name if recipe.has_several else "teacher"
        workloads = teacher_workloads(inputs, index)
        num_missing = sum(round(workload.expected(workload.num_missing)) for workload in workloads)
        yield _forecast(f"{name}: prompts", workloads, num_missing)
        if index in recipe.tested_teachers and probe.test_prompts:
            num_alone = recipe.evaluation.warm_requests + recipe.evaluation.latency_requests
            price = resolve_price(teacher, recipe.costs)
            tests = Workload(probe, price, probe.test_prompts, probe.sample, num_alone=num_alone)
            yield _forecast(f"{name}: {TEST_ROWS}", [tests], tests.num_missing)
    if inputs.judge_probe:
        workloads = _judge_workloads(inputs, inputs.judge_probe)
        num_missing = round(sum(workload.expected(workload.num_missing) for workload in workloads))
        yield _forecast("judge: scores", workloads, num_missing)


def teacher_workloads(inputs: PlanInputs, teacher_index: int) -> list[Workload]:
    """Return the prompts that surely go to a teacher, and the others that may, if there are any."""
    probe, (sure, waiting) = inputs.probes[teacher_index], inputs.routed[teacher_index]
    price = generation_price(probe.model, inputs.recipe.costs)
    prompts = [one for one in probe.prompts if not sure.isdisjoint(one.repeats)]
    workload = Workload(probe, price, prompts, probe.sample, probe.is_exact)
    # a prompt is sent once: with a sure row, its waiting rows take nothing more
    others = [one for one in probe.prompts if sure.isdisjoint(one.repeats) and not waiting.isdisjoint(one.repeats)]
    if not others:
        return [workload]
    return [workload, replace(workload, prompts=others, share=probe.share_reaching(sure, waiting))]


def _judge_workloads(inputs: PlanInputs, probe: ProbeResult) -> list[Workload]:
    """Return the questions about stored completions, then the prompts of completions to come.

    The judge is sent a question about each completion that did not fail. A completion to come has no question yet: its
    usage is forecast by the length of its prompt.
    """
    replies, price = inputs.judge_replies, generation_price(probe.model, inputs.recipe.costs)
    sampled = inputs.sampled_keys & replies.keys() or replies.keys()
    by_question = [(one.size, one.stored) for one in probe.prompts for key in one.repeats if key in sampled]
    workloads = [Workload(probe, price, probe.prompts, by_question, probe.is_exact)]
    for index, teacher_probe in enumerate(inputs.probes):
        prompts = teacher_probe.prompts
        scored = [(one.size, [replies[key] for key in one.keys if key in sampled]) for one in prompts]
        by_prompt = [(size, own) for size, own in scored if own]
        # without probed prompts, go by all that is stored
        keys = {key for one in prompts if one.is_probed for key in one.keys}
        keys = keys or {completion.key for one in prompts for completion in one.stored}
        to_score = len(probe.rows.keys() & keys) / len(keys) if keys else 1.0
        workloads += [
            Workload(probe, price, one.prompts, by_prompt, share=one.share and one.share.times(to_score))
            for one in teacher_workloads(inputs, index)
            if one.num_missing
        ]
    return workloads


def _forecast(what: str, workloads: Sequence[Workload], num_missing: int) -> RequestsForecast:
    """Return the forecast of all workloads; completions are stored of the first one alone."""
    price = workloads[0].price
    stored = [completion for prompt in workloads[0].prompts for completion in prompt.stored]
    usage = UsageMeter(stored).total
    usd = price.usd(usage.prompt_tokens, usage.completion_tokens, usage.seconds, usage.cached_tokens or 0)
    each = [workload.remaining() for workload in workloads]
    names = RemainingUsage.model_fields
    remaining = RemainingUsage(**{name: sum_ranges(getattr(one, name) for one in each) for name in names})
    return RequestsForecast(
        what=what,
        requests=len(stored) + num_missing,
        stored=len(stored),
        missing=num_missing,
        usage=usage,
        remaining=remaining,
        tokens=remaining.tokens and remaining.tokens.plus(usage.tokens),
        usd=remaining.usd.plus(usd) if remaining.usd and usd is not None else None,
        price=price.source,
    )
