"""Asks a teacher behind an endpoint a few of the prompts that a run would ask, and notes what it would ask in all.

Separate because it writes no lessons: the answers go to the store, where a later run finds them.
Command: `python -m stillhouse.teachers.api_probe_worker spec.json`
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.inference.api.client import Client
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import ask_missing, endpoint_of, open_books, run_to_its_end
from stillhouse.teachers.probe import LESSONS, TEST_ROWS, choose, write_probe
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.spec import ProbeSpec


def probe(spec: ProbeSpec, report: Reporter, connect: Callable[..., Client] = Client) -> dict[str, Any]:
    """Ask up to `spec.prompts` prompts that have no stored answer, and return what that took."""
    endpoint = endpoint_of(spec)
    lessons = ChatRequests(spec, endpoint, rows_of(spec))
    measured = spec.model_copy(update={"teacher": spec.teacher.as_measured})
    tests = ChatRequests(measured, endpoint, read_cases(spec.test, spec.skill) if spec.test else [])
    books = open_books(spec, endpoint, lessons, report)
    chosen = choose(lessons.places, lambda key: key in books.answers, spec.prompts, spec.among)
    asked = set(chosen)
    missing = [question for question in lessons.all if question.key in asked and question.key not in books.answers]
    took = run_to_its_end(ask_missing(spec, endpoint, lessons, missing, books, report, connect))
    sizes = {question.key: len(question.prompt.encode()) for question in (*lessons.all, *tests.all)}
    places = {LESSONS: lessons.places, TEST_ROWS: tests.places}
    write_probe(Path(spec.out), places, sizes, chosen, is_exact=False, scored=None)
    return {**books.summary().record(), **took}


if __name__ == "__main__":
    serve(ProbeSpec, probe)
