"""Probes an engine's teacher: generates a few completions, which a later run finds in the store.

Command: `python -m stillhouse.teachers.probe_worker spec.json`
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.inference.vllm.engine import start_engine
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.engine_worker import EngineRequester
from stillhouse.teachers.probe import PROMPT_ROWS, choose_keys, write_probe
from stillhouse.teachers.requests import PreparedRequests
from stillhouse.teachers.spec import ProbeSpec


def probe(spec: ProbeSpec, reporter: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Generate the completions of up to `spec.prompts` prompts that lack one, and return what that took."""
    prepared = PreparedRequests(spec, reporter.beat)
    requester = EngineRequester(prepared, prepared.requests, reporter, start)
    chosen = choose_keys(prepared.slots, requester.recorder.completions, spec.prompts, spec.among)
    is_chosen = frozenset(chosen).__contains__
    requester.request([request for request in prepared.requests if is_chosen(request.key)])
    sizes = {request.key: request.num_tokens for request in prepared.requests}
    slots = {PROMPT_ROWS: prepared.slots}
    write_probe(Path(spec.out), slots, sizes, chosen, is_exact=True, form=prepared.form)
    return requester.summary().to_record()


if __name__ == "__main__":
    serve(ProbeSpec, probe)
