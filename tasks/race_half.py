"""Takes the training rows of one half of a slice, for one student of a race."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.racing.halves import half_of
from stillhouse.teachers.spec import read_row_ids
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.race_slice import SliceRows


class RaceHalfParams(Params):
    """Which half."""

    draw: int
    seed: int


class RaceHalfSummary(StageSummary):
    """Rows of the half."""

    rows: int


@stage("race_half", version=1)
def race_half(call: StageCall[RaceHalfParams]) -> RaceHalfSummary:
    """Write train.jsonl, the rows of half of the prompts and all labelled ones, and an empty validation.jsonl."""
    prompts = read_row_ids(call.folder("slice") / "prompts.parquet")
    half, out = half_of(prompts, call.params.seed, call.params.draw), call.work.folder
    lines = [line for row_id, line in _lines(call.folder("filter")) if row_id in half or row_id not in prompts]
    (out / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    # no student stops by it: the race's own validation rows are the ones that it is compared on
    (out / "validation.jsonl").write_text("")
    return RaceHalfSummary(rows=len(lines))


def take_half(
    run: Run, rows: SliceRows, dataset: Built[FilterSummary], draw: int, seed: int, label: str
) -> Built[FilterSummary]:
    """Return the training set with the rows of one half of its prompts."""
    inputs = {"slice": rows.drawn.ref, "filter": dataset.ref}
    built = run.build(race_half, inputs, RaceHalfParams(draw=draw, seed=seed), label=label)
    return replace(dataset, ref=built.ref)


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    with (folder / "train.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)["id"], line
