"""What would be asked, and what of it is answered in the store by now.

Separate because a plan is made anew each time: answers come while the list of what is asked stays the same.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store
from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import Lines, lines_by_row, mixed
from stillhouse.costs.usage import Usage, UsageMeter
from stillhouse.data.row import Row
from stillhouse.inference.api.request import num_logprobs
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.teachers.calibration import calibrated_completions, label_priors, teacher_index_of
from stillhouse.teachers.probe import LESSONS, prompts_of


@dataclass(frozen=True)
class AnswerUsage:
    """What one stored answer took."""

    prompt_tokens: int
    completion_tokens: int
    seconds: float
    created: str  # ISO 8601


@dataclass
class Workload:
    """One of the things a teacher is asked for: its lessons, or its answers to the test rows."""

    name: str
    places: list[CompletionSlot]
    sizes: dict[str, int]  # of each request's prompt
    stored: dict[str, AnswerUsage] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Keys of the requests without a stored answer."""
        return [key for key in self.sizes if key not in self.stored]

    @property
    def bought(self) -> Usage:
        """What the stored answers took."""
        spending = UsageMeter()
        for took in self.stored.values():
            spending.add(took.prompt_tokens, took.completion_tokens, took.created, took.seconds)
        return spending.total

    def of_rows(self, rows: Collection[str], but: "Workload | None" = None) -> "Workload":
        """Return what is asked for `rows`, requests of the part `but` aside: equal prompts share one."""
        elsewhere = but.sizes if but else {}
        places = [place for place in self.places if place.row_id in rows and place.key not in elsewhere]
        sizes = {key: self.sizes[key] for _, _, key in places}
        return Workload(self.name, places, sizes, {key: self.stored[key] for key in sizes if key in self.stored})


@dataclass(frozen=True)
class ProbeResult:
    """The parts, and the answers of the lessons."""

    parts: list[Workload]
    probed: list[str]  # keys
    is_exact: bool  # sizes are prompt tokens, not bytes
    answers: CompletionBuffer

    @property
    def lessons(self) -> Workload:
        """What the student is to learn from."""
        return next(part for part in self.parts if part.name == LESSONS)

    def probed_prompts(self) -> list[tuple[str, ...]]:
        """Return the keys of each probed prompt that has all its answers."""
        asked, stored = set(self.probed), self.lessons.stored
        prompts = prompts_of(self.lessons.places).items()
        return [keys for first, keys in prompts if first in asked and all(key in stored for key in keys)]


@dataclass(frozen=True)
class Probed:
    """What one teacher's probe found, with the summary of its stage."""

    known: ProbeResult
    summary: Mapping[str, Any]


def read_known(folder: Path, store: Store, teacher: Teacher, fingerprint: str) -> ProbeResult:
    """Return what the probe in `folder` found would be asked, with what `store` holds of it now.

    `fingerprint` is the teacher's, under which its answers are stored.

    Raises:
        StoreError: the store can't be read.
    """
    told = json.loads((folder / "probe.json").read_text())
    parts: dict[str, Workload] = {}
    for line in pq.read_table(folder / "asked.parquet").to_pylist():
        part = parts.setdefault(line["part"], Workload(line["part"], [], {}))
        part.places.append(CompletionSlot(line["row_id"], line["sample_index"], line["key"]))
        part.sizes[line["key"]] = line["size"]
    known = ProbeResult(
        # a run whose rows all have references asks for no lesson
        parts=[parts.pop(LESSONS, Workload(LESSONS, [], {})), *parts.values()],
        probed=told["keys"],
        is_exact=told["is_exact"],
        answers=CompletionBuffer([], None),
    )
    answers = CompletionBuffer(known.lessons.sizes, told["scored"])
    completions = CompletionStore(store, fingerprint)
    for part in known.parts:
        for answer in completions.stream(part.sizes, num_logprobs(teacher)):
            part.stored[answer.key] = AnswerUsage(
                answer.prompt_tokens, answer.completion_tokens, answer.seconds, answer.created
            )
            if part.name == LESSONS:
                answers.add(answer)
    return ProbeResult(known.parts, known.probed, known.is_exact, answers)


def answered_places(part: Workload) -> Sequence[CompletionSlot]:
    """Return the places of those rows that have all their answers."""
    open_rows = {row_id for row_id, _, key in part.places if key not in part.stored}
    return [place for place in part.places if place.row_id not in open_rows]


def lines_of(known: Sequence[ProbeResult]) -> list[Lines]:
    """Return each teacher's lines of the table of answers by row id, for the rows that have all of its answers."""
    return [_lines(one, number) for number, one in enumerate(known, start=1)]


def _lines(known: ProbeResult, number: int) -> Lines:
    places = answered_places(known.lessons)
    if not places:
        return {}
    with tempfile.TemporaryDirectory(prefix="stillhouse-plan-") as folder:
        table = Path(folder) / "completions.parquet"
        known.answers.write(iter(places), table)
        return lines_by_row(mixed({number: table}))


def merged(lines: Sequence[Lines], asked: Sequence[Collection[str]]) -> Lines:
    """Return the lines of all teachers by row id, of each only for the rows that it is asked about."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for told, rows in zip(lines, asked, strict=True):
        for row_id, some in told.items():
            if row_id in rows:
                found[row_id] += some
    return dict(found)


def completions_of(
    lines: Lines, train: Sequence[Row], recipe: Recipe, labels: Sequence[str]
) -> dict[str, list[Completion]]:
    """Return the lines as completions, calibrated by the training rows among them."""
    told = {teacher_index_of(line) for row in train for line in lines.get(row["id"], ())}
    calibrations = [one.calibration if place in told else "none" for place, one in enumerate(recipe.teachers)]
    return calibrated_completions(lines, label_priors(calibrations, train, lines), labels)
