"""Every kind of work from its recipe to its report, on the real engine and the real trainer; quality is not judged."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.recipe.load import RECIPES, load_recipe
from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [pytest.mark.skipif(not MODEL.exists(), reason="needs the demo's model: make model")]

PUBLIC = ROOT.parent / "shared" / "data"
KINDS = ["nli", "qa", "math", "summarization", "conversation"]
# what the rows of a public set are, by role: file, first row, number of rows, and columns by the row model's names
SLICES: dict[str, dict[str, tuple[str, int, int, dict[str, str]]]] = {
    "nli": {
        "train": ("nli_sick/trial.jsonl", 0, 24, {"premise": "premise", "hypothesis": "hypothesis"}),
        "examples": (
            "nli_sick/train.jsonl",
            0,
            24,
            {"premise": "premise", "hypothesis": "hypothesis", "label": "label"},
        ),
        "test": ("nli_sick/test.jsonl", 0, 20, {"premise": "premise", "hypothesis": "hypothesis", "label": "label"}),
    },
    "qa": {
        "train": ("qa_nq_open/dev.jsonl", 0, 24, {"text": "question"}),
        "examples": ("qa_nq_open/dev.jsonl", 100, 12, {"text": "question", "reference": "answer"}),
        "test": ("qa_nq_open/efficientqa_dev.jsonl", 0, 20, {"text": "question", "reference": "answer"}),
    },
    "math": {
        "train": ("math_gsm8k/train.jsonl", 0, 24, {"text": "question"}),
        "examples": ("math_gsm8k/train.jsonl", 100, 12, {"text": "question", "reference": "answer"}),
        "test": ("math_gsm8k/test.jsonl", 0, 20, {"text": "question", "reference": "final_answer"}),
    },
    "summarization": {
        "train": ("summarisation_scitldr/train.jsonl", 0, 16, {"text": "document"}),
        "examples": ("summarisation_scitldr/train.jsonl", 100, 8, {"text": "document", "reference": "summaries"}),
        "test": ("summarisation_scitldr/test.jsonl", 0, 16, {"text": "document", "reference": "summaries"}),
    },
    "conversation": {
        "train": ("conversation_sgd/train_part.jsonl", 0, 16, {"messages": "messages"}),
        "examples": ("conversation_sgd/train_part.jsonl", 100, 8, {"messages": "messages"}),
        "test": ("conversation_sgd/dev.jsonl", 0, 16, {"messages": "messages"}),
    },
}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_shipped_recipe_of_each_kind_runs_from_its_files_to_its_report(kind: str, tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    fields = yaml.safe_load((RECIPES / f"{kind}.yaml").read_text())
    for role in ("train", "examples", "test"):
        fields["data"][role]["path"] = str(RECIPES / fields["data"][role]["path"])
    _write(pipeline, fields)

    _check(kind, pipeline.run())


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not PUBLIC.is_dir(), reason="needs the public data sets beside the project")
@pytest.mark.parametrize("kind", KINDS)
def test_recipe_of_each_kind_runs_on_a_slice_of_public_data(
    kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    pipeline = Pipeline(tmp_path)
    fields = yaml.safe_load((RECIPES / f"{kind}.yaml").read_text())
    for role, (name, first, number, columns) in SLICES[kind].items():
        path = tmp_path / f"{role}.jsonl"
        path.write_text("".join(_slice(name, first, number, without_last_reply=role == "train")))
        fields["data"][role] = {"path": path.name, "columns": {"id": "id", **columns}}
    if kind == "qa":
        del fields["skill"]["no_answer"]
    _write(pipeline, fields)

    report = pipeline.run()

    _check(kind, report)
    record_property("quality", {model: block["quality"] for model, block in report["models"].items() if block})


def _slice(name: str, first: int, number: int, *, without_last_reply: bool) -> Iterator[str]:
    # rows end with a line feed only: some hold other line separators in their text
    with (PUBLIC / name).open(newline="\n") as lines:
        for line in islice(lines, first, first + number):
            row: dict[str, Any] = json.loads(line)
            if without_last_reply and "messages" in row:
                row["messages"] = row["messages"][:-1]  # for the teacher to write
            yield json.dumps(row) + "\n"


def _write(pipeline: Pipeline, fields: dict[str, Any]) -> None:
    """Write the recipe, cut down to a student of two layers, few steps and short answers."""
    teacher = fields["teachers"][0]
    teacher |= {"model": str(MODEL), "engine": {"segment_seconds": 0.2}}
    most = min(teacher["sampling"]["max_tokens"], 12)
    teacher["sampling"]["max_tokens"] = fields["evaluation"]["max_tokens"] = most
    fields["student"] |= {"model": str(MODEL), "layers": 2}
    fields["training"] |= {"max_steps": 3, "batch_size": 4}
    # an answer cut short, or one that a model of this size gets wrong, must not end the run
    fields["filters"] = {"min_success_ratio": 0.0, "truncated": False, "unparsable": False, "too_long": False}
    (pipeline.folder / "recipe.yaml").write_text(yaml.safe_dump(fields))


def _check(kind: str, report: dict[str, Any]) -> None:
    metrics = load_recipe(kind).evaluation.metrics
    generation = report["generation"]
    assert report["skill"] == kind
    assert generation["generated"] == generation["requests"] > 10
    assert report["filter"]["kept"] > 0
    assert report["training"]["steps"] == 3
    assert report["comparison"]["primary_metric"] == metrics[0]
    for model in ("teacher", "baseline", "student", "baseline_zero_shot", "baseline_untrained"):
        found = report["models"][model]
        assert set(found["quality"]) == set(metrics) - report["comparison"]["not_measured"].keys(), model
        assert all(score["n"] == report["data"]["test"] for score in found["quality"].values()), model
        assert found["latency_ms"]["p50"] > 0
