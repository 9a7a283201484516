"""A teacher behind a real vLLM server, which wants a key, against the same weights in the training's own process."""

import json
import math
import os
import subprocess
from pathlib import Path

import pytest

from stillhouse.repository import ROOT
from tests.support.vllm_server import ENGINE_PYTHON, serving_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason="no engine environment"),
]


def run_checks(folder: Path, *names: str, **environment: str) -> None:
    command = [str(ENGINE_PYTHON), "-m", "tests.support.workers.on_policy", str(folder), *names]
    given = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
    ended = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_server_teachers_loss_is_that_of_its_weights(tmp_path: Path) -> None:
    # it makes the models, and checks what needs no server
    run_checks(tmp_path, "client")
    options = ["--dtype", "float32", "--max-model-len", "128"]
    with serving_model(tmp_path / "servable", "teacher", tmp_path / "log.txt", key="secret", options=options) as url:
        run_checks(tmp_path, "vllm", TEACHER_URL=url, OWN_API_KEY="secret")
    found = json.loads((tmp_path / "checks.json").read_text())["vllm"]
    assert set(found) == {"beta 0", "beta 1"}
    for asked, here in found.values():
        assert math.isclose(asked, here, rel_tol=1e-3)
