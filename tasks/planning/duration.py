"""How long the requests that are still to be sent will take.

Separate because an engine and an endpoint take time in different ways: an engine the faster the more it has at once, an
endpoint as long as an answer takes, so many at a time, within its limits a minute.
"""

from collections.abc import Mapping
from typing import Any

from tasks.costs.forecast import Range, exactly
from tasks.engines.plan import MAX_NUM_SEQS
from tasks.planning.ahead import Sample
from tasks.planning.known import Part
from tasks.recipe.endpoint import Endpoint
from tasks.recipe.judge import Judge
from tasks.recipe.teacher import Engine, Teacher

_MINUTE_S = 60.0


def seconds_for(
    part: Part, sample: Sample, asked: Teacher | Judge, probe: Mapping[str, Any], num_alone: int = 0
) -> Range | None:
    """Return the seconds for the missing requests of `part`; `probe` is the summary of its stage."""
    if asked.endpoint:
        return endpoint_seconds(part, sample, asked.endpoint, asked.sampling.max_tokens, num_alone)
    return engine_seconds(len(part.missing), probe, asked.engine)


def engine_seconds(num_missing: int, probe: Mapping[str, Any], engine: Engine) -> Range | None:
    """Return the seconds after the engine's start: at the probe's pace, at best sped up by as many more at once."""
    if not num_missing:
        return exactly(0.0)
    if not probe["generated"]:
        return None
    at_once = engine.max_num_seqs or MAX_NUM_SEQS
    as_probed = float(probe["seconds"]) / probe["generated"] * num_missing
    fuller = min(1.0, min(probe["generated"], at_once) / min(num_missing, at_once))
    return Range(value=as_probed, low=as_probed * fuller, high=as_probed)


def endpoint_seconds(part: Part, sample: Sample, endpoint: Endpoint, max_tokens: int, num_alone: int) -> Range | None:
    """Return the seconds of asking, the first `num_alone` one at a time and the others together."""
    missing = part.missing
    if not missing:
        return exactly(0.0)
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
