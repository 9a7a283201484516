"""A student that is narrower than its base, through a whole run: one start for the baseline and for training."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not MODEL.exists(), reason="no local model: make model"),
]
SIZES = ("num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads")


def config_of(pipeline: Pipeline, report: dict[str, Any], stage: str) -> dict[str, Any]:
    (path,) = (pipeline.store / "artifacts" / stage / report["stages"][stage]["fingerprint"]).glob("*/config.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_distill_cut_student_begins_and_ends_with_its_widths(tiny_model: Path, tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path, model=tiny_model, threads=1)
    recipe = pipeline.write(evaluation={"no_teacher_alternatives": False})
    fields = yaml.safe_load(recipe.read_text())
    fields["student"]["cut"] = {"layers": "influence", "feed_forward": 0.5, "sample": 8, "correction": {"steps": 2}}
    recipe.write_text(yaml.safe_dump(fields))

    report = pipeline.run()

    cut = report["training"]["cut"]
    assert (len(cut["layers"]), cut["neurons"]) == (2, cut["whole_neurons"] // 2)
    assert cut["loss_on"] == "validation rows"
    assert min(cut["loss_whole"], cut["loss_corrected"], cut["loss_cut"]) > 0
    configs = [config_of(pipeline, report, stage) for stage in ("cut", "initialise", "train")]
    assert [[one[name] for name in SIZES] for one in configs] == [[configs[0][name] for name in SIZES]] * 3
    assert (configs[0]["num_hidden_layers"], configs[0]["intermediate_size"]) == (2, cut["neurons"])
    again = pipeline.run()
    assert all(stage["cached"] for stage in again["stages"].values())
