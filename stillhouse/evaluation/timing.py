"""Times single requests, the models in turn, so that a slow moment of the machine affects all of them.

Each model is served as it would be: where all its prompts begin alike, the engine keeps their beginning from one
request to the next; where they share nothing, nothing of an earlier request is left in its cache.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from stillhouse.data.row import Row
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.evaluated import Evaluated, Served
from stillhouse.evaluation.request_order import request_order
from stillhouse.recipe.evaluation import Evaluation

Timed = tuple[EngineProcess, Evaluated]


def time_requests(
    settings: Evaluation, served: Sequence[Served], rows: Sequence[Row], progress: Callable[[str, int], None]
) -> None:
    """Add to the models that are timed the seconds of each request, over the same rows in the same order.

    Models that share an engine are timed in rounds, each with one set of weights an engine. A model whose prompts begin
    alike is timed again with nothing cached.
    """
    order = request_order(settings.seed, num_timed(settings), len(rows))
    salts = (f"timed {number}" for number in itertools.count())
    for round_ in _rounds(served):
        for engine, model in round_:
            engine.load(model.candidate)
        _time(settings, round_, rows, order, salts, progress)
        repeating = [(engine, model) for engine, model in round_ if model.repeats(engine)]
        _time(settings, repeating, rows, order, salts, progress, uncached=True)


def num_timed(settings: Evaluation) -> int:
    """Return how many requests timing one model takes, warm ones included."""
    return settings.warm_requests + settings.latency_requests


def _time(
    settings: Evaluation,
    models: Sequence[Timed],
    rows: Sequence[Row],
    order: Sequence[int],
    salts: Iterator[str],
    progress: Callable[[str, int], None],
    *,
    uncached: bool = False,
) -> None:
    kept: dict[int, str] = {}
    for number, row_number in enumerate(order):
        for at, (engine, model) in enumerate(models):
            row = rows[row_number]
            if uncached or not model.repeats(engine):
                salt = next(salts)
            else:
                if number % len(rows) == 0:
                    # a row that comes again would be found whole: each lap fills the cache anew, outside of the time
                    kept[at] = next(salts)
                    _seconds(engine, model, rows[order[number - 1]], kept[at])
                salt = kept[at]
            seconds = _seconds(engine, model, row, salt)
            if number >= settings.warm_requests:
                (model.latencies_uncached_s if uncached else model.latencies_s).append(seconds)
            progress("latency", 1)


def _seconds(engine: EngineProcess, model: Evaluated, row: Row, cache_salt: str) -> float:
    started = time.perf_counter()
    requests = model.prompter.requests([row])
    replies = engine.complete(requests, model.prompter.decoding, 1, cache_salt=cache_salt)
    model.prompter.answer(replies[0])
    return time.perf_counter() - started


def _rounds(served: Sequence[Served]) -> list[list[Timed]]:
    timed = [(one.engine, [model for model in one.models if model.candidate.is_timed]) for one in served]
    rounds: list[list[Timed]] = []
    while any(group for _, group in timed):
        # models with equal weights need no exchange and so share a round
        round_: list[Timed] = []
        for engine, group in timed:
            if group:
                path = group[0].candidate.path
                round_ += [(engine, model) for model in group if model.candidate.path == path]
                group[:] = [model for model in group if model.candidate.path != path]
        rounds.append(round_)
    return rounds
