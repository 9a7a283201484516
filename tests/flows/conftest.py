import os
import subprocess
from pathlib import Path

import pytest

from stillhouse.runtime.settings import load_settings
from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, OWN_VALIDATION, SECOND_OPINION, Pipeline

# two random models differ little: each rule holds, or would in any run
RULES = (
    {"not_worse_than": {"model": "teacher", "margin": 0.9}},
    {"not_worse_than": {"model": "champion", "margin": 0.01}},
    {"at_most": {"weights_mb": 10_000, "latency_p95_ms": 100_000}},
    {"contamination_free": True},
    {"min_test_rows": 30},
)
# what the engine environment serves by itself
EXPORTS = ({"format": "safetensors"},)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file of a few random weights, for the real engine and the real trainer."""
    out = tmp_path_factory.mktemp("model") / "tiny.gguf"
    command = [load_settings().engine_python, "-m", "tests.support.workers.tiny_gguf", MODEL, out]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return out


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Pipeline:
    """A small pipeline with rows of its own for choices, on a folder store, run once without a fault."""
    pipeline = Pipeline(tmp_path_factory.mktemp("whole"), model=tiny_model, threads=1, exports=EXPORTS)
    pipeline.write(data=OWN_VALIDATION, gate={"rules": list(RULES)}, **SECOND_OPINION)
    pipeline.run()
    return pipeline
