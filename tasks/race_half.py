"""Takes the training rows of one half of a slice, for one student of a race."""

import json
import shutil
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

TRAIN = "train.jsonl"


class RaceHalfParams(Params):
    """Which half."""

    draw: int
    seed: int


class RaceHalfSummary(StageSummary):
    """Rows of the half."""

    rows: int


@stage("race_half", version=1)
def race_half(call: StageCall[RaceHalfParams]) -> RaceHalfSummary:
    """Write train.jsonl with the rows of half of the prompts and all labelled ones; other files are the slice's."""
    prompts = read_row_ids(call.folder("slice") / "prompts.parquet")
    half, whole, out = half_of(prompts, call.params.seed, call.params.draw), call.folder("filter"), call.work.folder
    for path in whole.iterdir():
        if path.name != TRAIN:
            shutil.copyfile(path, out / path.name)
    lines = [line for row_id, line in _lines(whole / TRAIN) if row_id in half or row_id not in prompts]
    (out / TRAIN).write_text("".join(lines), encoding="utf-8")
    return RaceHalfSummary(rows=len(lines))


def take_half(
    run: Run, rows: SliceRows, dataset: Built[FilterSummary], draw: int, seed: int, label: str
) -> Built[FilterSummary]:
    """Return the training set with the rows of one half of its prompts."""
    inputs = {"slice": rows.drawn.ref, "filter": dataset.ref}
    built = run.build(race_half, inputs, RaceHalfParams(draw=draw, seed=seed), label=label)
    return replace(dataset, ref=built.ref)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)["id"], line
