"""Ctrl-C, or SIGTERM, at random moments of one job, which goes on with each next run."""

import os
import random
import signal
import time
from pathlib import Path

from tests.benchmarks.outages.paid_run import PaidRun, any_label, prepare, say, verdict
from tests.support.api.server import serving
from tests.support.pipeline import Pipeline

NUM_MESSAGES = 700
ANSWER_S = 0.2, 2.0
# seconds of asking within which a run is ended
WITHIN_S = 3.0


def interrupts(folder: Path, name: str, moments: int, seed: int) -> bool:
    """End the run `moments` times; return whether the store held each time all that the endpoint was asked."""
    chance, delays, is_met = random.Random(seed), random.Random(seed), True
    with serving(lambda received: any_label(received, delays.uniform(*ANSWER_S))) as server:
        run = prepare(Pipeline(folder), server, NUM_MESSAGES)
        for number in range(1, moments + 1):
            moment = chance.uniform(0.0, WITHIN_S)
            before = run.num_asked
            took = _end_run(run, signal.Signals[name], moment)
            is_right = run.num_asked == run.num_stored
            is_met = is_met and is_right
            say(
                f"{number}: {name} {moment:.2f} s after the first of {run.num_asked - before} requests, over in "
                f"{took:.1f} s: asked {run.num_asked}, stored {run.num_stored}: {verdict(is_right)}"
            )
    is_met = is_met and run.most_of_one == 1
    say(
        f"{name} at {moments} random moments: {run.num_asked} asked, {run.num_stored} stored, a prompt was asked at "
        f"most {run.most_of_one} times (bound: as many each time, and once): {verdict(is_met)}"
    )
    return is_met


def _end_run(run: PaidRun, number: signal.Signals, moment: float) -> float:
    """Send the signal once the run has asked for so many seconds; return the seconds until it had ended."""
    asked = run.num_asked
    flow = run.pipeline.start()
    run.wait(flow, lambda: run.num_asked > asked)
    time.sleep(moment)
    sent = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(flow.pid, number)  # as a terminal does: the temporary server gets it too
    else:
        flow.send_signal(number)
    flow.wait(timeout=180)  # for it alone: what it leaves behind is ended afterwards
    took = time.monotonic() - sent
    run.pipeline.end_of(flow)
    return took
