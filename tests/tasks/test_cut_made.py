"""The stage that cuts a student, with the real workers: training begins from what it wrote."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.dataset.summary import FilterSummary, WrittenRows
from stillhouse.recipe.load import parse_recipe
from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_student_bases
from tasks.cut import cut_students
from tasks.train import train_students
from tests.support.asked_rounds import PlainRun
from tests.support.builders import make_recipe_fields

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
MAKE_BASE = (
    "import sys, pathlib; from tests.support.workers.training import make_base; "
    "make_base(pathlib.Path(sys.argv[1]), ['parcel refund card lost late broken invoice delivery billing'])"
)
SIZES = ("num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim")


def dataset_in(run: PlainRun) -> Built[FilterSummary]:
    """Training examples in the store, and no validation rows."""
    turns = {
        "prompt": [{"role": "user", "content": "lost card"}],
        "completion": [{"role": "assistant", "content": "a"}],
    }
    with run.store.workspace("filter", 1, "f" * 64, {}, {}) as work:
        lines = [json.dumps({"id": str(number)} | turns) + "\n" for number in range(8)]
        (work.folder / "train.jsonl").write_text("".join(lines))
        (work.folder / "validation.jsonl").write_text("")
        work.commit({})
    rows = WrittenRows(train=8, validation=0, labelled=0)
    summary = FilterSummary(**{"in": 8}, kept=8, dropped={}, rows=rows)
    return Built("filter", ArtifactRef(stage="filter", fingerprint="f" * 64), summary, 1.0, is_cached=False)


def sizes_in(run: PlainRun, built: Built[Any]) -> list[int]:
    config = json.loads(run.store.path(built.ref, "config.json").read_text())
    return [config[name] for name in SIZES]


def test_cut_student_is_trained_from_the_cut_and_cut_once(tmp_path: Path) -> None:
    base = tmp_path / "base"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([str(PYTHON), "-c", MAKE_BASE, str(base)], cwd=ROOT, env=environment, check=True)
    cut = {"layers": "influence", "feed_forward": 0.5, "heads": 0.5}
    student = {"model": str(base), "layers": 4, "chat_template": "minimal", "cut": cut}
    training = {"max_steps": 2, "precision": "float32", "execution": {"threads": 1, "device": "cpu"}}
    fields = make_recipe_fields({"model": str(base)}, student=student, training=training)
    with PlainRun(parse_recipe(fields), load_settings(), frozenset(), id="x") as run:
        dataset = dataset_in(run)
        starts = cut_students(run, load_student_bases(run), dataset)
        again = cut_students(run, load_student_bases(run), dataset)
        (trained,) = train_students(run, starts, [], None, dataset)  # type: ignore[arg-type]  # encoders' labels

        made = starts[0].cut
        assert made is not None
        assert again[0].cut == made or again[0].cut.is_cached
        assert (made.summary.loss_on_validation, made.summary.loss_rows) == (False, 8)
        assert sizes_in(run, made) == sizes_in(run, trained.built) == [4, 32, 2, 1, 8]
        assert not (run.settings.work / "checkpoints" / made.ref.fingerprint).exists()
