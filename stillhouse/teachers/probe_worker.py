"""Asks the teacher a few of the prompts that a run would ask, and notes what it would ask in all.

Separate because it writes no lessons: the answers go to the store, where a later run finds them.
Command: `python -m stillhouse.teachers.probe_worker spec.json`
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.inference.vllm.engine import start_engine
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.probe import LESSONS, choose, write_probe
from stillhouse.teachers.requests import PreparedRequests, rows_of
from stillhouse.teachers.spec import ProbeSpec
from stillhouse.teachers.worker import EngineRequester, open_books


def probe(spec: ProbeSpec, report: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Ask up to `spec.prompts` prompts that have no stored answer, and return what that took."""
    asked = PreparedRequests(spec, rows_of(spec))
    places = [(row["id"], index, key) for row, index, key in asked.places]
    sizes = {request.id: len(request.token_ids) for request in asked.requests}
    books = open_books(spec, sizes, report, asked.scored)
    chosen = choose(places, lambda key: key in books.answers, spec.prompts, spec.among)
    missing = [request for request in asked.requests if request.id in set(chosen) and request.id not in books.answers]
    fresh = EngineRequester(spec, asked, books, report, start)
    if missing:
        fresh.ask(missing)
    write_probe(Path(spec.out), {LESSONS: places}, sizes, chosen, is_exact=True, scored=asked.scored)
    return books.summary(fresh.start_seconds).record()


if __name__ == "__main__":
    serve(ProbeSpec, probe)
