"""A whole run whose teacher is two real engines, on a Ray cluster of two nodes."""

import json
from pathlib import Path

import pytest

from tests.support.pipeline import MODEL, Pipeline
from tests.support.replicas.nodes import TwoNodes

pytest.importorskip("prefect_ray", reason="Ray is not installed; run `make ray`")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]


def test_distill_two_nodes_request_each_prompt_once(tmp_path: Path, prefect_server: str):
    pipeline = Pipeline(tmp_path / "run").reporting_to(prefect_server)
    pipeline.write()
    nodes = [
        {"STILLHOUSE_WORK": str(tmp_path / name / "work"), "PREFECT_HOME": str(tmp_path / name / "prefect")}
        for name in ("first", "second")
    ]
    with TwoNodes(*nodes) as cluster:
        pipeline.settings |= cluster.environment
        report = pipeline.run("--set", "teachers.0.replicas=2")

    (record,) = (pipeline.store / "artifacts" / "generate").glob("*/record.json")
    summary = json.loads(record.read_text())["summary"]
    assert [replica["shard"] for replica in summary["replicas"]] == [0, 1]
    assert min(replica["generated"] for replica in summary["replicas"]) > 0
    assert sum(replica["generated"] for replica in summary["replicas"]) == summary["requests"] > 40
    keys = pipeline.stored_keys()
    assert len(keys) == len(set(keys)) == summary["requests"]
    assert {path.parents[1].name for path in tmp_path.glob("*/work/device*.lock")} >= {"first", "second"}
    assert report["generation"]["requests"] == summary["requests"]
