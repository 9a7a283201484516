"""Whether two machines on one bucket ask for each answer once: 2 x 5 processes want the same prompts at the same time.

    python -m tests.benchmarks.shared_store [--prompts 1000] [--processes 5] [--kill] [--endpoint-url URL]

Each process is the worker that a stage starts. The two machines have a cache folder and locks each. The S3 server is
rclone's behind a proxy that keeps S3's rules of conditional writes; `--endpoint-url` names another, with the AWS_*
variables set and a bucket `bucket`. `--kill` kills the process that asks, by SIGKILL, once a third is answered. Prints
what the endpoint's log holds: requests, prompts, and those asked more than once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stillhouse.artifacts.store import StoreConfig
from tasks.orchestration.workers import Worker
from tests.support.api.recipe import ENVIRONMENT
from tests.support.api.requests import spec, teacher
from tests.support.api.server import Act, FaultyServer, Received, answer, serving
from tests.support.s3.conditions import Conditions
from tests.support.s3.faulty_proxy import FaultyProxy
from tests.support.s3.server import S3Server

MACHINES = 2
_DELAY_S = 0.05


def main() -> None:
    """Run all processes at once and print the figures; exits with 1 if a prompt was asked twice without a kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=5, help="of each machine")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--endpoint-url", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        endpoint_url = asked.endpoint_url or servers.enter_context(s3(Path(name)))
        server = servers.enter_context(serving(slowly))
        started = time.monotonic()
        summaries = run_all(Path(name), server, endpoint_url, asked)
        times = times_asked(server)
        print(f"{MACHINES} x {asked.processes} processes, {asked.prompts} prompts, {time.monotonic() - started:.0f} s")
        print(f"answered by each: {sorted((one['generated'] for one in summaries), reverse=True)}")
        print(f"found by each: {sorted((one['from_store'] for one in summaries), reverse=True)}")
        repeated = sum(times.values()) - len(times)
        print(f"{sum(times.values())} requests in the endpoint's log for {len(times)} prompts; {repeated} asked again")
        sys.exit(repeated > 0 and not asked.kill)


def slowly(_: Received) -> Act:
    """Answer as a busy endpoint does."""
    return Act(body=answer("billing").body, delay_s=_DELAY_S)


def times_asked(server: FaultyServer) -> Counter[str]:
    """Return how often each prompt was asked, by the endpoint's log."""
    return Counter(received.prompt for received in server.requests)


@contextmanager
def s3(folder: Path) -> Iterator[str]:
    """Yield the address of an S3 server with conditional writes, with its keys in the environment."""
    (folder / "s3").mkdir()
    with S3Server(folder / "s3") as server, FaultyProxy(server.port, conditions=Conditions()) as proxy:
        os.environ.update(server.environment)
        server.client().mkdir("bucket")
        yield proxy.address


def run_all(folder: Path, server: FaultyServer, endpoint_url: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Start all workers at once, wait for their ends, and return the summaries of those that lived."""
    workers = {}
    for machine in range(MACHINES):
        for number in range(asked.processes):
            own = folder / f"machine{machine}" / f"process{number}"
            own.mkdir(parents=True)
            workers[own] = start(own, server.address, endpoint_url, asked.prompts)
    if asked.kill:
        threading.Thread(target=kill_the_one_that_asks, args=(workers, server, asked.prompts), daemon=True).start()
    for worker in workers.values():
        worker.wait()
    return [summary for own in workers if (summary := summary_of(own)) is not None]


def start(own: Path, address: str, endpoint_url: str, prompts: int) -> "subprocess.Popen[bytes]":
    """Start one worker; what it says goes to `events.jsonl`."""
    asking = teacher(address=address, output={"kind": "free"}, endpoint={"concurrency": 16, "segment_seconds": 1.0})
    store = StoreConfig(url="s3://bucket/shared", endpoint_url=endpoint_url, cache_dir=own.parent / "cache")
    job = spec(own, asking, prompts).model_copy(update={"store": store})
    (own / "spec.json").write_text(job.model_dump_json())
    with (own / "events.jsonl").open("wb") as events, (own / "errors.txt").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", Worker.GENERATE_API, own / "spec.json"],
            stdout=events,
            stderr=errors,
            env=os.environ | ENVIRONMENT,
        )


def summary_of(own: Path) -> dict[str, Any] | None:
    """Return a worker's summary; None if it was killed."""
    events = [json.loads(line) for line in (own / "events.jsonl").read_text().splitlines()]
    failed = [event for event in events if event["event"] == "error"]
    if failed:
        raise RuntimeError(failed[0]["message"])
    return next((event["summary"] for event in events if event["event"] == "done"), None)


def kill_the_one_that_asks(workers: dict[Path, "subprocess.Popen[bytes]"], server: FaultyServer, prompts: int) -> None:
    """Kill the worker that asks once a third of the prompts was asked."""
    while len(server.requests) < prompts // 3:
        time.sleep(0.02)
    for own, worker in workers.items():
        if "requests go to" in (own / "events.jsonl").read_text():
            worker.kill()
            return


if __name__ == "__main__":
    main()
