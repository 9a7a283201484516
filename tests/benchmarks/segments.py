"""What a generation's segments cost on S3: requests while answers are stored, at each later lookup, and compacted.

Separate because these are counted by an S3 server's own log and not timed: run by completions.py.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.compaction import compact
from stillhouse.completions.store import CompletionStore

# answers a second, and seconds between two segments: the default of engine and endpoint
RATE, SEGMENT_S = 20, 5


def measure_segments(number: int) -> None:
    """Store `number` answers on an S3 server of its own as they would come, look them up, compact, look them up."""
    from tests.support.s3.faulty_proxy import FaultyProxy
    from tests.support.s3.server import S3Server

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        with S3Server(folder / "served") as server, FaultyProxy(server.port) as proxy:
            os.environ.update(server.environment)
            server.client().mkdir("bucket")
            url = StoreConfig(url="s3://bucket/store", endpoint_url=proxy.address, cache_dir=folder / "cache")
            _measure(Store(url), proxy, number)


def _measure(store: Store, proxy: Any, number: int) -> None:
    from tests.benchmarks.completions import TEACHER, answers, key

    completions = CompletionStore(store, TEACHER)
    keys, size = [key(n) for n in range(number)], RATE * SEGMENT_S

    def write() -> None:
        for first in range(0, number, size):
            completions.append(list(answers(first, min(size, number - first))), logprobs=1)

    def look_up() -> None:
        assert sum(1 for _ in completions.stream(keys, 1)) == number

    of_each = f"{number:,} answers at {RATE} a second, a segment every {SEGMENT_S} s"
    _count(proxy, f"{of_each}: stored", write)
    _count(proxy, "looked up", look_up)
    _count(proxy, "compacted", lambda: _compact(store, TEACHER))
    _count(proxy, "looked up after compaction", look_up)


def _compact(store: Store, teacher: str) -> None:
    done = compact(store, teacher)
    print(f"{done.segments_before} segments compacted to {done.segments_after}", flush=True)


def _count(proxy: Any, what: str, work: Callable[[], None]) -> None:
    seen, started = len(proxy.requests), time.perf_counter()
    work()
    methods = Counter(request.method for request in proxy.requests[seen:])
    counted = ", ".join(f"{methods[name]} {name}" for name in sorted(methods))
    print(f"{what}: {counted} in {time.perf_counter() - started:.1f} s", flush=True)
