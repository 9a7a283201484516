"""One replica's share of a generation: asks those missing requests that its shard holds.

Separate from the worker that answers a whole generation because it writes no table: another worker does, once every
replica's answers are in the store. Command: `python -m stillhouse.teachers.replica_worker spec.json`.
"""

from collections.abc import Callable
from typing import Any

from stillhouse.inference.vllm.engine import start_engine
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.requests import PreparedRequests, rows_of
from stillhouse.teachers.shards import shard_of
from stillhouse.teachers.spec import ShardSpec
from stillhouse.teachers.worker import answer


def answer_shard(spec: ShardSpec, report: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Answer the shard's requests into the store, and return what it took; `start` makes the engine."""
    asked = PreparedRequests(spec, rows_of(spec))
    own = [request for request in asked.requests if shard_of(request.id, spec.num_shards) == spec.shard]
    return answer(spec, asked, own, report, start).summary.record()


if __name__ == "__main__":
    serve(ShardSpec, answer_shard)
