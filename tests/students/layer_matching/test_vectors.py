"""Queries, keys and values that are found in models of many families, against transformers' own."""

import json
import os
import subprocess
from typing import Any

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from stillhouse.students.layer_matching.layer_map import UNRELATED_KINDS

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
# separate projections, shared keys, norms of heads, gates; fused in blocks, by head and by group
FAMILIES = (
    *("llama", "mistral", "qwen2", "qwen3", "gemma3", "phi", "opt", "qwen3_next", "phi3", "gpt2", "gpt_neox"),
    *("bigcode", "bigcode, one key", "bloom", "falcon", "falcon, one key", "falcon, groups", "mpt"),
)


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("vectors") / "checks.json"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-m", "tests.support.workers.attention_vectors", str(path)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_find_vectors_gives_the_queries_keys_and_values_that_the_family_attends_with(
    checks: dict[str, Any], family: str
) -> None:
    assert isinstance(checks[family], dict), checks[family]
    assert all(distance < 1e-6 for distance in checks[family].values()), checks[family]


@pytest.mark.parametrize("kind", ["deepseek_v3", "codegen"])
def test_find_vectors_unknown_family_is_refused_by_its_name(checks: dict[str, Any], kind: str) -> None:
    assert f"a model of kind {kind}" in checks["refused"][kind]
    assert "training.kind: hidden_states" in checks["refused"][kind]
    assert "deepseek_v3" in UNRELATED_KINDS
