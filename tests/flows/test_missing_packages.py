"""A Python that lacks one of the packages that the flows need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


@pytest.fixture
def without_polars(tmp_path: Path) -> dict[str, str]:
    package = tmp_path / "polars"
    package.mkdir()
    (package / "__init__.py").write_text("raise ModuleNotFoundError('No module named polars', name='polars')\n")
    home = {"PREFECT_HOME": str(tmp_path / "prefect")}
    return {**os.environ, **home, "PYTHONPATH": f"{tmp_path}:{ROOT}"}


def test_run_without_a_package_names_it_and_the_remedy(without_polars: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "run", "demo"],
        cwd=ROOT,
        env=without_polars,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "The package 'polars' is missing" in done.stderr
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_import_of_a_module_of_our_own_that_is_not_there_stays_an_import_error(without_polars: dict[str, str]) -> None:
    code = "from flows.missing_packages import missing_package_named\nwith missing_package_named(): import tasks.absent"
    environment = {**without_polars, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "ModuleNotFoundError: No module named 'tasks.absent'" in done.stderr
