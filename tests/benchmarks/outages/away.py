"""An endpoint, or a store, that is away for minutes in the middle of a run."""

import time
from pathlib import Path

from tests.benchmarks.outages.paid_run import PaidRun, any_label, prepare, say, verdict
from tests.support.api.server import Act, Received, failure, serving
from tests.support.pipeline import Pipeline
from tests.support.s3.server import S3Server

NUM_MESSAGES = 400
ANSWERS_BEFORE = 100
ANSWER_S = 0.3


def endpoint_away(folder: Path, seconds: float) -> bool:
    """Take the endpoint away for `seconds`; return whether the one run waited and ended with every prompt answered."""
    began: list[float] = []
    refused: list[int] = []

    def plan(received: Received) -> Act:
        if received.number >= ANSWERS_BEFORE and not began:
            began.append(received.at)
            say(f"the endpoint goes away after {received.number} answers")
        if began and received.at < began[0] + seconds:
            refused.append(received.number)
            # by turns as a gateway without its server says it, and as no server at all
            return failure(503) if received.number % 2 else Act(drop=True)
        return any_label(received, ANSWER_S)

    with serving(plan) as server:
        run = prepare(Pipeline(folder), server, NUM_MESSAGES)
        started = time.monotonic()
        end = run.end_of(run.pipeline.start())
    answered = run.num_asked - len(refused)
    is_met = end.startswith("exit code 0,") and answered == run.num_stored
    say(end)
    say(
        f"endpoint away for {seconds:g} s: one run of {time.monotonic() - started:.0f} s, {len(refused)} tries refused "
        f"meanwhile, {answered} answers given, {run.num_stored} stored (bound: exit code 0, all given are stored): "
        f"{verdict(is_met)}"
    )
    return is_met


def store_away(folder: Path, seconds: float) -> bool:
    """Take the S3 server away for `seconds`; return whether every answer is in it at the end, each asked for once."""
    (folder / "served" / "bucket").mkdir(parents=True)
    with serving(lambda received: any_label(received, ANSWER_S)) as server, S3Server(folder / "served") as s3:
        settings = {**s3.environment, "STILLHOUSE_STORE": "s3://bucket/proof"}
        pipeline = Pipeline(folder / "run", settings, served=folder / "served" / "bucket" / "proof")
        run = prepare(pipeline, server, NUM_MESSAGES)
        _through_outage(run, s3, seconds)
        for number in range(2, 5):
            if run.has_generated:
                break
            say(f"run {number}: {run.end_of(run.pipeline.start())}")
    is_met = run.has_generated and run.most_of_one == 1 and run.num_asked == run.num_stored
    say(
        f"store away for {seconds:g} s: {run.num_asked} answers given by the endpoint, {run.num_stored} in the store, "
        f"a prompt was asked at most {run.most_of_one} times (bound: as many, and once): {verdict(is_met)}"
    )
    return is_met


def _through_outage(run: PaidRun, s3: S3Server, seconds: float) -> None:
    flow = run.pipeline.start()
    run.wait(flow, lambda: run.num_asked >= ANSWERS_BEFORE)
    s3.kill()
    say(f"the store goes away after {run.num_asked} requests, {run.num_stored} answers stored")
    back = time.monotonic() + seconds
    run.wait(flow, lambda: time.monotonic() >= back)
    if flow.poll() is not None:
        say(f"the run ended {back - time.monotonic():.0f} s before the store was back")
        time.sleep(max(0.0, back - time.monotonic()))
    say(f"the store is back; {run.num_asked} requests, {run.num_stored} answers stored")
    s3.start()
    say(f"run 1: {run.end_of(flow)}")
