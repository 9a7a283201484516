"""What can be said of infra/docker/Dockerfile without a Docker engine: a linter, and what a build would be given."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from docker.utils import exclude_paths

from stillhouse.recipe.training import TrainingExecution
from tests.support.infra.compose import example, load_compose
from tests.support.paths import ROOT

DOCKERFILE = ROOT / "infra" / "docker" / "Dockerfile"
TEXT = DOCKERFILE.read_text()


def context(root: Path = ROOT) -> set[str]:
    """The files that a build is given, by Docker's own reading of .dockerignore."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    given = exclude_paths(str(root), patterns) - {".dockerignore", "Dockerfile"}  # always sent, never copied
    return {name for name in given if (root / name).is_file()}


def test_dockerfile_has_no_fault_that_hadolint_knows():
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_build_context_holds_the_code_and_nothing_else():
    given = context()
    parts = {name.split("/")[0] for name in given}
    assert parts == {"deployments", "flows", "stillhouse", "tasks", "infra", "pyproject.toml", "LICENSE"}
    code = {
        path.relative_to(ROOT).as_posix()
        for folder in ("deployments", "flows", "stillhouse", "tasks")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".md")
    }
    assert code <= given
    assert not [name for name in given if name.endswith(".md")]
    assert {name for name in given if name.startswith("infra/")} == {
        "infra/python.sh",
        "infra/setup.sh",
        *(f"infra/requirements/{name}.txt" for name in ("control", "ray", "engine-cpu", "engine-cuda", "export")),
        *(f"infra/training/{name}.yaml" for name in get_args(TrainingExecution.model_fields["sharding"].annotation)),
    }


@pytest.mark.parametrize(
    "name", ["infra/compose.env", ".env", "tasks/.env.local", "deployments/key.pem", ".git/config"]
)
def test_build_context_leaves_out_what_may_hold_a_secret(tmp_path, name):
    for file in (name, "tasks/read.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x")
    assert context(tmp_path) == {"tasks/read.py"}


def test_dockerfile_copies_only_what_the_build_context_holds():
    given = context()
    copied = re.findall(r"^COPY (\S+) \S+$", TEXT, re.MULTILINE)
    assert len(copied) == TEXT.count("\nCOPY ") == 11
    assert all(source == "." or source in given for source in copied)


def test_dockerfile_every_image_runs_without_root_and_takes_no_secret():
    stages = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
    images = {stage.split("\n")[0].split()[-1]: stage for stage in stages}
    for name in ("control", "cpu", "cuda"):
        assert images[name].rstrip().endswith("USER 10001")
    uid = re.search(r"useradd --uid (\d+)", TEXT)
    assert uid
    assert uid[1] == "10001"
    assert set(re.findall(r"^ARG (\w+)", TEXT, re.MULTILINE)) == {"COMMIT"}
    # a pip.conf with keys is mounted for the command that needs it, and so in no layer
    installs = TEXT.count("setup.sh") - TEXT.count("COPY infra/setup.sh") + TEXT.count("-m pip install")
    assert installs == TEXT.count("type=secret,id=pip")


@pytest.mark.parametrize("image", ["cpu", "cuda"])
def test_dockerfile_engine_of_an_image_is_made_from_the_file_that_make_takes(image):
    stages = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
    (base,) = [stage.split()[0] for stage in stages if stage.split("\n")[0].endswith(f" AS {image}")]
    (engine,) = [stage for stage in stages if stage.split("\n")[0].endswith(f" AS {base}")]
    copied = re.findall(r"^COPY (.*) infra/requirements/$", engine, re.MULTILINE)
    assert copied == [f"infra/requirements/{name}.txt" for name in (f"engine-{image}", "export")]
    assert re.findall(r"setup\.sh (.*)$", engine, re.MULTILINE) == [f"engine-{image}"]
    assert "setup.sh engine-$(DEVICE) " in (ROOT / "Makefile").read_text()
    worker = {"cpu": "worker-cpu", "cuda": "worker-gpu"}[image]
    assert load_compose(example())["services"][worker]["build"]["target"] == image
