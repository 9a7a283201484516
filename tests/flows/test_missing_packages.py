"""A Python that lacks one of the packages that the flows need."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.missing_packages import missing_package_named
from stillhouse.errors import WorkerError
from tests.support.paths import ROOT


def test_missing_package_is_named_with_the_remedy() -> None:
    with pytest.raises(WorkerError, match=r"'absent' is missing .* Run `make setup`"), missing_package_named():
        importlib.import_module("absent")


def test_import_of_a_module_of_our_own_that_is_not_there_stays_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'tasks\.absent'"), missing_package_named():
        importlib.import_module("tasks.absent")


@pytest.mark.slow
def test_run_without_a_package_names_it_and_the_remedy(tmp_path: Path) -> None:
    package = tmp_path / "polars"
    package.mkdir()
    (package / "__init__.py").write_text("raise ModuleNotFoundError('No module named polars', name='polars')\n")
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "run", "demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "The package 'polars' is missing" in done.stderr
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr
