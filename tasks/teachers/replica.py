"""One replica's share of a generation: asks those missing requests that its shard holds.

Separate from the worker that answers a whole generation because it writes no table: another worker does, once every
replica's answers are in the store. Command: `python -m tasks.teachers.replica spec.json`.
"""

from collections.abc import Callable
from typing import Any

from tasks.engines.start import start_engine
from tasks.runtime.worker import Reporter, serve
from tasks.teachers.shards import shard_of
from tasks.teachers.spec import ShardSpec
from tasks.teachers.worker import Asked, answer, rows_of


def answer_shard(spec: ShardSpec, report: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Answer the shard's requests into the store, and return what it took; `start` makes the engine."""
    asked = Asked(spec, rows_of(spec))
    own = [request for request in asked.requests if shard_of(request.id, spec.num_shards) == spec.shard]
    return answer(spec, asked, own, report, start).summary


if __name__ == "__main__":
    serve(ShardSpec, answer_shard)
