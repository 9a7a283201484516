"""When infra/setup.sh makes an environment, keeps one, or refuses it; pip and torch are an interpreter's words."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.infra.fake_python import CPU_TORCH, CUDA_TORCH, write_python
from tests.support.paths import ROOT


@pytest.fixture
def clone(tmp_path) -> Path:
    """A folder with the two scripts and the pinned files of the project, and nothing else."""
    (tmp_path / "infra").mkdir()
    for script in ("python.sh", "setup.sh"):
        shutil.copy(ROOT / "infra" / script, tmp_path / "infra")
    shutil.copytree(ROOT / "infra" / "requirements", tmp_path / "infra" / "requirements")
    return tmp_path


def set_up(clone: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What the script says to `words`."""
    command = ["/bin/sh", str(clone / "infra" / "setup.sh"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_setup_engine_for_cuda_installs_the_pinned_file_without_resolving(clone):
    python = write_python(clone / ".venv/engine/bin/python", (3, 12, 3), CUDA_TORCH)
    done = set_up(clone, "engine-cuda")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Python 3.12.3 from infra/requirements/engine-cuda.txt" in done.stdout
    (installed,) = python.with_suffix(".log").read_text().splitlines()
    assert installed.endswith("install --quiet --quiet --no-deps -r infra/requirements/engine-cuda.txt")
    assert (clone / ".venv/engine/bin/.done-engine-cuda").exists()


def test_setup_engine_for_cuda_that_got_torch_for_cpus_is_refused(clone):
    write_python(clone / ".venv/engine/bin/python", (3, 12, 3), CPU_TORCH)
    done = set_up(clone, "engine-cuda")
    assert done.returncode == 1
    assert "gave a build for CPUs as torch===" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert not list(clone.glob(".venv/engine/bin/.done*"))


def test_setup_engine_for_cuda_in_an_environment_for_cpus_is_refused_before_pip(clone):
    python = write_python(clone / ".venv/engine/bin/python", (3, 12, 3), CUDA_TORCH)
    assert set_up(clone, "engine-cpu").returncode == 0
    python.with_suffix(".log").unlink()
    done = set_up(clone, "engine-cuda")
    assert done.returncode == 1
    assert ".venv/engine was made for engine-cpu and can't hold engine-cuda too. Remove .venv/engine" in done.stderr
    assert not python.with_suffix(".log").exists()


def test_setup_with_another_python_than_the_environment_has_is_refused(clone):
    write_python(clone / ".venv/docs/bin/python", (3, 11, 2))
    asked = write_python(clone / "elsewhere" / "python3.13", (3, 13, 5))
    done = set_up(clone, "docs", str(asked))
    assert done.returncode == 1
    assert f".venv/docs has Python 3.11, and PYTHON={asked} is Python 3.13. Remove .venv/docs" in done.stderr
    assert set_up(clone, "docs").returncode == 0
