"""Forecasts what each model is asked for: how much of it is stored, and what the rest will take."""

from pydantic import Field

from stillhouse.costs.forecast import Range, exact_range
from stillhouse.costs.price import ResolvedPrice, generation_price, resolve_price
from stillhouse.costs.usage import Usage
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.probe_result import ProbeResult, Workload
from stillhouse.planning.remaining import Frozen, RemainingUsage, forecast_usage, sample_of
from stillhouse.teachers.probe import TEST_ROWS


class RequestsForecast(Frozen):
    """One thing that a model is asked for."""

    what: str
    requests: int  # those expected, if completions decide who is asked
    stored: int
    missing: int
    usage: Usage = Field(alias="bought")  # what the stored completions took
    remaining: RemainingUsage = Field(alias="ahead")
    tokens: Range | None  # in all, stored completions included
    usd: Range | None
    price: str


def forecast_teacher_requests(inputs: PlanInputs, teacher_index: int) -> list[RequestsForecast]:
    """Return the forecasts of one teacher: the training rows, and for the first one over an API the test rows."""
    recipe, routed, probe = inputs.recipe, inputs.routed[teacher_index], inputs.probes[teacher_index]
    teacher, requests, tests = recipe.teachers[teacher_index], probe.requests, probe.test_requests
    name = teacher.display_name if recipe.has_several else "teacher"
    sample = sample_of(requests, probe.probed_prompts, requests.stored, is_exact=probe.is_exact)

    price = generation_price(teacher, recipe.costs)
    sure = requests.of_rows(routed.sure)
    waiting = requests.of_rows(routed.open, but=sure)
    remaining, missing = forecast_usage(sure, sample, teacher, price, probe.summary), len(sure.missing)
    if waiting.rows:
        if_all = forecast_usage(waiting, sample, teacher, price, probe.summary)
        remaining = remaining.plus(if_all.product(routed.share))
        missing += round(routed.share.value * len(waiting.missing)) if routed.share else 0
    forecasts = [_forecast(f"{name}: prompts", sure, remaining, missing, price)]

    if teacher_index == 0 and tests.rows:
        price = resolve_price(teacher, recipe.costs)
        num_alone = recipe.evaluation.warm_requests + recipe.evaluation.latency_requests
        remaining = forecast_usage(tests, sample, teacher, price, probe.summary, num_alone)
        forecasts.append(_forecast(f"{name}: {TEST_ROWS}", tests, remaining, len(tests.missing), price))
    return forecasts


def forecast_judge_requests(inputs: PlanInputs, judge_probe: ProbeResult) -> RequestsForecast:
    """Return the judge's forecast: a question about each completion that did not fail, those to come included.

    A completion to come has no question yet: its usage is forecast by the length of its prompt.
    """
    judge, questions, summary = inputs.recipe.judge, judge_probe.requests, judge_probe.summary
    assert judge, "only a recipe with a judge has a probe of it"
    price = generation_price(judge, inputs.recipe.costs)
    sampled = inputs.sampled_keys & inputs.scores.keys() or inputs.scores.keys()
    usage = {key: questions.stored[own[0]] for key, own in questions.rows.items() if key in sampled}

    asked = [questions.rows[key] for key in usage]
    by_question = sample_of(questions, asked, questions.stored, is_exact=judge_probe.is_exact)
    remaining = forecast_usage(questions, by_question, judge, price, summary)
    missing = float(len(questions.missing))
    for probe, routed in zip(inputs.probes, inputs.routed, strict=True):
        by_prompt = sample_of(probe.requests, probe.requests.prompts, usage)
        sure = probe.requests.of_rows(routed.sure)
        waiting = probe.requests.of_rows(routed.open, but=sure)
        for workload, reaching in ((sure, exact_range(1.0)), (waiting, routed.share)):
            if workload.missing:
                share = reaching.times(_share_to_score(questions, probe)) if reaching else None
                remaining = remaining.plus(forecast_usage(workload, by_prompt, judge, price, summary).product(share))
                missing += len(workload.missing) * (share.value if share else 0.0)
    return _forecast("judge: scores", questions, remaining, round(missing), price)


def _share_to_score(questions: Workload, probe: ProbeResult) -> float:
    """Return the share of a teacher's completions that the judge is asked about; failed ones are left out."""
    # without probed prompts, go by all that is stored
    keys = set(probe.probed) or probe.requests.stored.keys()
    return len(questions.rows.keys() & keys) / len(keys) if keys else 1.0


def _forecast(
    what: str, workload: Workload, remaining: RemainingUsage, missing: int, price: ResolvedPrice
) -> RequestsForecast:
    usage = workload.usage
    usd = price.usd(usage.prompt_tokens, usage.completion_tokens, usage.seconds)
    tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    return RequestsForecast(
        what=what,
        requests=len(workload.stored) + missing,
        stored=len(workload.stored),
        missing=missing,
        usage=usage,
        remaining=remaining,
        tokens=remaining.tokens.plus(tokens) if remaining.tokens else None,
        usd=remaining.usd.plus(usd) if remaining.usd and usd is not None else None,
        price=price.source,
    )
