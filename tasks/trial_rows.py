"""Takes a share of the training rows, for the first rungs of a sweep's trials."""

import hashlib
import json
import math
import shutil

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

TRAIN = "train.jsonl"


class TrialRowsParams(Params):
    """How many of the rows, and which."""

    share: float
    seed: int


@stage("trial_rows", version=1)
def trial_rows(call: StageCall[TrialRowsParams]) -> FilterSummary:
    """Write train.jsonl with a share of the rows, in their order; all other files are those of the whole data set."""
    whole, out = call.folder("dataset"), call.work.folder
    for path in whole.iterdir():
        if path.name != TRAIN:
            shutil.copyfile(path, out / path.name)
    lines = drawn_lines((whole / TRAIN).read_text(encoding="utf-8").splitlines(), call.params.share, call.params.seed)
    (out / TRAIN).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    of_whole = FilterSummary.model_validate(call.store.record(call.inputs["dataset"]).summary)
    return of_whole.model_copy(update={"rows": of_whole.rows.model_copy(update={"train": len(lines)})})


def drawn_lines(lines: list[str], share: float, seed: int) -> list[str]:
    """Return a share of the lines by their rows' ids, at least one; a smaller share is part of a greater one."""
    order = sorted(range(len(lines)), key=lambda at: _draw(lines[at], seed))
    return [lines[at] for at in sorted(order[: math.ceil(share * len(lines))])]


def _draw(line: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{json.loads(line)['id']}".encode()).digest()


def take_share(run: Run, dataset: Built[FilterSummary], share: float) -> Built[FilterSummary]:
    """Return the data set with a share of its training rows; for all of them it is the data set itself."""
    if share >= 1.0:
        return dataset
    params = TrialRowsParams(share=share, seed=run.recipe.evaluation.seed)
    return run.build(trial_rows, {"dataset": dataset.ref}, params)
