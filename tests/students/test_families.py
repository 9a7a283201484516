"""Small checkpoints of model families through every step of a student, and what the documentation says of them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from tests.support.families.families import FAMILIES
from tests.support.families.page import PAGE, STEPS

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


def in_engine(module: str, *arguments: str) -> None:
    """Run one of the families' modules in the engine environment."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [str(PYTHON), "-m", f"tests.support.families.{module}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, str]]:
    """What the page says of each family's steps."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    return {row[0]: dict(zip(STEPS, row[2:], strict=True)) for row in rows[2:]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every family was taken through its steps."""
    folder = tmp_path_factory.mktemp("families")
    in_engine("steps", str(folder))
    return folder


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family_every_step_passes_or_is_refused_as_it_should(folder, documented, family):
    found = json.loads((folder / "steps.json").read_text())[family.name]
    expected = {"layers": f"refused: {family.cut_refused}"} if family.cut_refused else {}
    assert {name: said for name, said in found.items() if said != "passed"} == expected
    assert found == {name: said for name, said in documented[family.name].items() if name != "served"}


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family_vllm_writes_the_tokens_of_transformers_or_names_what_it_lacks(folder, documented, family):
    in_engine("served", str(folder), family.name)
    assert json.loads((folder / "served.json").read_text())[family.name] == documented[family.name]["served"]
