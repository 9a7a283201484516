"""`stillhouse run` with a teacher behind a real vLLM server on the loopback, and a student on the local engine."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stillhouse.runtime.process import run_worker
from stillhouse.students.spec import ConvertSpec
from tasks.orchestration.workers import Worker
from tests.support.pipeline import MODEL, Pipeline
from tests.support.vllm_server import ENGINE_PYTHON, serving_model

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]

KEY = "key-of-the-loopback-server"
NAME = "house-teacher"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a vLLM server with the demo's teacher, and its log."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "model").mkdir()
    run_worker(Worker.CONVERT, ConvertSpec(gguf=str(MODEL), out=str(folder / "model")), python=ENGINE_PYTHON)
    log = folder / "log.txt"
    options = ["--max-model-len", "2048", "--max-num-seqs", "8", "--enforce-eager"]
    with serving_model(folder / "model", NAME, log, key=KEY, options=options) as address:
        yield address, log


def posts(log: Path) -> int:
    """What the server's own log says it was asked and answered."""
    return len(re.findall(r'"POST /v1/chat/completions HTTP/1\.1" 200', log.read_text()))


def pipeline(folder: Path, address: str) -> Pipeline:
    made = Pipeline(folder, {"VLLM_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
    recipe = made.write(evaluation={"no_teacher_alternatives": False})
    fields = yaml.safe_load(recipe.read_text())
    fields["teachers"] = [
        {
            "model": NAME,
            "prompt": {"examples": 1, "selection": "nearest_per_label", "layout": "list"},
            "sampling": {"max_tokens": 16, "logprobs": 3},
            "endpoint": {"provider": "vllm", "base_url": address, "serves": "demo-teacher", "segment_seconds": 0.5},
        }
    ]
    recipe.write_text(yaml.safe_dump(fields))
    return made


def test_teacher_on_a_vllm_server_generates_and_is_evaluated_beside_the_student(served, tmp_path):
    address, log = served
    made = pipeline(tmp_path, address)
    report = made.run()
    teacher, student = report["models"]["teacher"], report["models"]["student"]
    assert teacher["quality"]["accuracy"]["n"] == student["quality"]["accuracy"]["n"] == 30
    assert teacher["engine"] == "vllm API"
    assert teacher["latency_ms"]["n"] == 30  # all the test rows there are
    assert teacher["peak_memory_bytes"] is None
    assert report["comparison"]["memory_reduction"] is None
    assert report["comparison"]["quality_retained"] is not None
    # a constraint that the server ignored would leave answers outside of the labels
    assert "unparsable" not in report["filter"]["dropped"]
    asked = report["generation"]["generated"] + 30
    assert posts(log) == asked == len(set(made.stored_keys()))

    again = made.run("--refresh", "generate", "--refresh", "evaluate")
    assert again["generation"]["generated"] == 0
    assert posts(log) == asked
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 10_000_000]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


def test_completions_of_a_vllm_server_carry_token_ids_and_log_probabilities(served, tmp_path):
    import pyarrow.parquet as pq

    address, _ = served
    made = pipeline(tmp_path, address)
    made.run("--set", "data.max_train_rows=5")
    segments = sorted((made.store / "completions").rglob("*.parquet"))
    lines = [line for segment in segments for line in pq.read_table(segment).to_pylist() if line["k"] == 3]
    assert lines
    for line in lines:
        assert len(line["token_ids"]) == len(line["logprobs"]) > 0
        assert all(len(step) >= 3 for step in line["logprobs"])
        assert line["cumulative_logprob"] <= 0.0
    assert json.loads((next((made.store / "runs").glob("*/report.json"))).read_text())["generation"]["requests"] > 0
