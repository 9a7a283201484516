"""Probes a teacher behind an endpoint: generates a few completions, which a later run finds in the store.

Command: `python -m stillhouse.teachers.api_probe_worker spec.json`
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.inference.api.client import Client
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import request_missing, run_until_signal
from stillhouse.teachers.probe import PROMPT_ROWS, TEST_ROWS, choose_keys, write_probe
from stillhouse.teachers.requests import open_recorder, rows_of
from stillhouse.teachers.spec import ProbeSpec


def probe(spec: ProbeSpec, reporter: Reporter, connect: Callable[..., Client] = Client) -> dict[str, Any]:
    """Generate the completions of up to `spec.prompts` prompts that lack one, and return what that took."""
    training = ChatRequests(spec, rows_of(spec), beat=reporter.beat)
    evaluated = spec.model_copy(update={"teacher": spec.teacher.as_evaluated})
    tests = ChatRequests(evaluated, read_cases(spec.test, spec.skill) if spec.test else [], beat=reporter.beat)
    recorder = open_recorder(spec, [request.key for request in training.all], reporter, training.answers)
    chosen = choose_keys(training.slots, recorder.completions, spec.prompts, spec.among)
    is_chosen = frozenset(chosen).__contains__
    with recorder.asking(request for request in training.all if is_chosen(request.key)) as missing:
        counts = run_until_signal(request_missing(training, missing, recorder, reporter.log, connect))
    sizes = {request.key: request.place.size for request in (*training.all, *tests.all)}
    slots = {PROMPT_ROWS: training.slots, TEST_ROWS: tests.slots}
    write_probe(Path(spec.out), slots, sizes, chosen, is_exact=False, form=training.answers)
    return recorder.summary().to_record() | counts


if __name__ == "__main__":
    serve(ProbeSpec, probe)
