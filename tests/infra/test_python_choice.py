"""Which Python environments are made with: infra/python.sh among interpreters that say they are others."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.support.infra.fake_python import WITHOUT_VENV, write_python
from tests.support.infra.pins import PYTHONS
from tests.support.paths import ROOT


def choose(path: Path, asked: str = "") -> "subprocess.CompletedProcess[str]":
    """What the script prints where `path` is all that PATH has."""
    command = ["/bin/sh", str(ROOT / "infra" / "python.sh"), asked]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3.13": (3, 13, 5), "python3.12": (3, 12, 3)}, "python3.12"),
        ({"python3": (3, 13, 5)}, "python3"),
        ({"python3": (3, 14, 0), "python3.11": (3, 11, 2)}, "python3.11"),
    ],
)
def test_python_none_asked_for_takes_the_first_supported_one(tmp_path, there, chosen):
    for name, version in there.items():
        write_python(tmp_path / name, version)
    found = choose(tmp_path)
    assert (found.stdout, found.stderr) == (f"{chosen}\n", "")


def test_python_name_that_does_not_run_is_passed_over(tmp_path):
    # as pyenv's for a version that is not switched on
    (tmp_path / "python3.11").write_text("#!/bin/sh\necho pyenv: python3.11: command not found >&2\nexit 127\n")
    (tmp_path / "python3.11").chmod(0o755)
    write_python(tmp_path / "python3.13", (3, 13, 5))
    assert choose(tmp_path).stdout == "python3.13\n"


def test_python_without_venv_is_passed_over_and_named_if_it_is_the_only_one(tmp_path):
    write_python(tmp_path / "python3.12", (3, 12, 3), WITHOUT_VENV)
    alone = choose(tmp_path)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert "python3.12 is Python 3.12.3 without venv (apt install python3.12-venv)" in alone.stderr
    write_python(tmp_path / "python3.13", (3, 13, 5))
    assert choose(tmp_path).stdout == "python3.13\n"


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_python_asked_for_of_another_version_is_refused_though_others_fit(tmp_path, version):
    write_python(tmp_path / "python3.12", (3, 12, 3))
    asked = write_python(tmp_path / "elsewhere" / "python", version)
    found = choose(tmp_path, str(asked))
    assert (found.returncode, found.stdout) == (1, "")
    assert f"{asked} is Python {'.'.join(map(str, version))};" in found.stderr
    assert "needs Python 3.11, 3.12 or 3.13" in found.stderr


def test_python_no_interpreter_at_all_says_what_was_looked_for(tmp_path):
    found = choose(tmp_path)
    assert found.returncode == 1
    assert "Looked for: python3.11 python3.12 python3.13 python3. Found: none;" in found.stderr


def test_python_versions_of_the_project_are_those_that_the_pins_are_resolved_for():
    allowed = SpecifierSet(re.findall(r'^requires-python = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)[0])
    minors = [f"3.{minor}" for minor in range(9, 17) if allowed.contains(f"3.{minor}.2")]
    assert minors == [python.rpartition(".")[0] for python in PYTHONS] == ["3.11", "3.12", "3.13"]
