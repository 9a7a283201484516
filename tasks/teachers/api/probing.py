"""Asks a teacher behind an endpoint a few of the prompts that a run would ask, and notes what it would ask in all.

Separate because it writes no lessons: the answers go to the store, where a later run finds them.
Command: `python -m tasks.teachers.api.probing spec.json`
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.runtime.worker import Reporter, serve
from tasks.skills.rows import read_cases
from tasks.teachers.api.client import Client
from tasks.teachers.api.questions import Questions
from tasks.teachers.api.worker import ask_missing, endpoint_of, open_books, run_to_its_end
from tasks.teachers.probe import LESSONS, TEST_ROWS, choose, write_probe
from tasks.teachers.spec import ProbeSpec
from tasks.teachers.worker import rows_of


def probe(spec: ProbeSpec, report: Reporter, connect: Callable[..., Client] = Client) -> dict[str, Any]:
    """Ask up to `spec.prompts` prompts that have no stored answer, and return what that took."""
    endpoint = endpoint_of(spec)
    lessons = Questions(spec, endpoint, rows_of(spec))
    measured = spec.model_copy(update={"teacher": spec.teacher.as_measured})
    tests = Questions(measured, endpoint, read_cases(spec.test, spec.skill) if spec.test else [])
    books = open_books(spec, endpoint, lessons, report)
    chosen = choose(lessons.places, lambda key: key in books.answers, spec.prompts, spec.among)
    asked = set(chosen)
    missing = [question for question in lessons.all if question.key in asked and question.key not in books.answers]
    took = run_to_its_end(ask_missing(spec, endpoint, lessons, missing, books, report, connect))
    sizes = {question.key: len(question.prompt.encode()) for question in (*lessons.all, *tests.all)}
    places = {LESSONS: lessons.places, TEST_ROWS: tests.places}
    write_probe(Path(spec.out), places, sizes, chosen, is_exact=False, scored=None)
    return {**books.summary(), **took}


if __name__ == "__main__":
    serve(ProbeSpec, probe)
