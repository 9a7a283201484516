"""The whole pipeline with two teachers on the real engine: one model, asked in two ways."""

from pathlib import Path

import pytest
import yaml

from stillhouse.reports.schema.report import Report
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]


@pytest.fixture
def taught(tmp_path: Path) -> Pipeline:
    pipeline = Pipeline(tmp_path)
    recipe = pipeline.write(num_messages=40)
    fields = yaml.safe_load(recipe.read_text())
    first = fields["teachers"][0]
    second = {**first, "calibration": "none", "name": "warm", "prompt": {**first["prompt"], "examples": 2}}
    second["sampling"] = {"max_tokens": 8, "temperature": 0.7, "n": 3}
    fields["teachers"] = [{**first, "name": "calibrated"}, second]
    fields["routing"] = {"kind": "fallback"}
    # of the calibrated answers a part is that sure: the other teacher is asked about the rest
    fields["filters"] = {"min_probability": 0.6, "min_success_ratio": 0.0}
    recipe.write_text(yaml.safe_dump(fields))
    return pipeline


def test_two_prompts_for_one_model_share_the_training_examples_and_are_generated_once(taught: Pipeline):
    report = Report.model_validate(taught.run())
    assert report.generation is not None
    first, second = (report.generation.teachers[name] for name in ("calibrated", "warm"))
    assert first.prompts > 20
    assert 0 < first.usable < first.prompts
    # exactly what the first left
    assert second.prompts == first.prompts - first.usable
    assert second.requests == 3 * second.prompts
    assert first.share + second.share == pytest.approx(1.0)
    keys = taught.stored_keys()
    assert report.generation.generated == first.generated + second.generated == len(keys) == len(set(keys))
    assert report.models.teacher is not None
    assert all(step.unaccounted == 0 for step in report.funnel)

    again = taught.run()
    assert all(stage["cached"] for stage in again["stages"].values()), again["stages"]
    assert again["generation"]["generated"] == 0
    rebuilt = taught.run("--refresh", "generate", "--refresh", "route", "--refresh", "mix")
    assert rebuilt["generation"]["generated"] == 0
    assert rebuilt["stages"]["filter"]["fingerprint"] == again["stages"]["filter"]["fingerprint"]
    assert taught.stored_keys() == keys
