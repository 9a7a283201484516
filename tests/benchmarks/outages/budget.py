"""A budget of tokens against an endpoint of which every third reply is empty, and paid for."""

import json
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.outages.paid_run import CONCURRENCY, any_label, prepare, say, verdict
from tests.support.api.server import Act, Received, serving
from tests.support.pipeline import Pipeline

TOKENS = 40_000
BILLED = 2_000  # a request, by the endpoint's own count
RUNS = 4


def every_third_empty(received: Received) -> Act:
    """A reply of 2,000 tokens, which says nothing each third time."""
    act = any_label(received, delay_s=0.1)
    body = json.loads(act.body)
    body["usage"] = {"prompt_tokens": BILLED - 10, "completion_tokens": 10, "total_tokens": BILLED}
    if received.number % 3 == 0:
        body["choices"][0]["message"]["content"] = ""
    return replace(act, body=json.dumps(body).encode())


def budget(folder: Path) -> bool:
    """Run the recipe until its budget ends it, again and again; return whether the endpoint billed no more."""
    most = TOKENS + BILLED * CONCURRENCY
    with serving(every_third_empty) as server:
        run = prepare(Pipeline(folder), server, 300, budget={"tokens": TOKENS})
        for number in range(RUNS):
            end = run.end_of(run.pipeline.start())
            billed = BILLED * run.num_asked
            say(f"run {number + 1}: {run.num_asked} requests, {billed:,} tokens billed by the endpoint; {end}")
    is_met = 0 < billed <= most and run.num_asked == run.num_stored + run.num_discarded
    say(
        f"budget {TOKENS:,}, {CONCURRENCY} at once, every third reply empty, {RUNS} runs: {billed:,} tokens billed "
        f"(bound {most:,}), {run.num_asked} requests = {run.num_stored} answers stored + {run.num_discarded} replies "
        f"counted and thrown away: {verdict(is_met)}"
    )
    return is_met
