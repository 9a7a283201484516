"""Generates the completions of one replica's shard into the store; another worker writes the table later.

Command: `python -m stillhouse.teachers.replica_worker spec.json`
"""

from collections.abc import Callable
from typing import Any

from stillhouse.inference.vllm.engine import start_engine
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.engine_worker import EngineRequester
from stillhouse.teachers.requests import PreparedRequests
from stillhouse.teachers.shards import shard_of
from stillhouse.teachers.spec import ShardSpec


def generate_shard(spec: ShardSpec, reporter: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Store a completion for each request of the shard, and return what it took; `start` makes the engine."""
    prepared = PreparedRequests(spec, reporter.beat)
    own = [request for request in prepared.requests if shard_of(request.key, spec.num_shards) == spec.shard]
    requester = EngineRequester(prepared, own, reporter, start)
    requester.request(own)
    return requester.summary().to_record()


if __name__ == "__main__":
    serve(ShardSpec, generate_shard)
