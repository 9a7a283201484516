"""Small checkpoints of model families through every step of a student."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from tests.support.families.families import FAMILIES

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What came of each family's steps."""
    folder = tmp_path_factory.mktemp("families")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [str(PYTHON), "-m", "tests.support.families.steps", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, dict[str, str]] = json.loads(Path(folder / "steps.json").read_text())
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family_every_step_passes_or_is_refused_as_it_should(steps, family):
    expected = {"layers": f"refused: {family.cut_refused}"} if family.cut_refused else {}
    assert {name: said for name, said in steps[family.name].items() if said != "passed"} == expected
    assert len(steps[family.name]) == 7
