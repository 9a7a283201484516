"""Every pinned file is what a resolver finds for Linux on x86-64, with a wheel for each Python that is supported."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.infra.pins import PYTHONS, REQUIREMENTS, lines, pinned, version_of
from tests.support.infra.stub_wheel import write_wheel

pytestmark = pytest.mark.slow

# what torch's build for CPUs asks for; public indexes of packages offer the build for CUDA alone
CPU_TORCH = ("filelock", "typing-extensions>=4.10", "setuptools>=77.0.3", "sympy>=1.13.3", "networkx>=2.5.1", "jinja2")
# what each environment is made of, and what is asked for in it but left out, since nothing here uses it: for Ray its
# dashboard, for the CPU vLLM images and sound
DASHBOARD = ("aiohttp-cors", "colorful", "opencensus", "py-spy", "virtualenv")
METRICS = ("opentelemetry-sdk", "opentelemetry-exporter-prometheus", "opentelemetry-proto")
ENVIRONMENTS = {
    ("control",): (),
    ("control", "ray"): (*DASHBOARD, *METRICS),
    ("control", "mlflow"): (),
    ("engine-cpu",): ("torchvision", "torchaudio", "torchcodec"),
    ("engine-cpu", "export"): ("torchvision", "torchaudio", "torchcodec"),
    ("engine-cuda",): (),
    ("engine-cuda", "export"): (),
    ("docs",): (),
}
# glibc of Debian 11 and Ubuntu 20.04, the oldest that every wheel takes
PLATFORM = "x86_64-manylinux_2_31"
# published as source alone
SOURCE_ONLY = "rouge-score"


def resolve(
    folder: Path, files: Sequence[Path], python: str, left_out: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    """What uv finds for `files` on one Python. `folder` holds wheels beside the index, and what uv fetched before."""
    excluded = folder / "left-out.txt"
    excluded.write_text("\n".join(left_out))
    command = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-config"]
    target = ["--python-version", python, "--python-platform", PLATFORM]
    wheels = ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY, "--find-links", str(folder)]
    known = ["--cache-dir", str(folder / "cache"), "--excludes", str(excluded)]
    return subprocess.run(
        [*command, *target, *wheels, *known, *map(str, files)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    """A folder for `resolve`, with torch for CPUs. Skips where no index is reached."""
    folder = tmp_path_factory.mktemp("index")
    (torch,) = [line for line in lines("engine-cpu") if line.name == "torch"]
    write_wheel(folder, "torch", version_of(torch), CPU_TORCH)
    probe = folder / "probe.in"
    probe.write_text("six==1.17.0\n")
    reached = resolve(folder, [probe], PYTHONS[0])
    if reached.returncode:
        pytest.skip(f"no index of packages is reached: {reached.stderr.strip()}")
    return folder


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("files", ENVIRONMENTS, ids="-and-".join)
def test_requirements_resolved_again_are_what_the_files_pin(index, files, python):
    found = resolve(index, [REQUIREMENTS / f"{file}.txt" for file in files], python, ENVIRONMENTS[files])
    assert found.returncode == 0, found.stderr
    resolved = [Requirement(line) for line in found.stdout.splitlines()]
    assert {canonicalize_name(line.name): version_of(line) for line in resolved} == {
        name: version for file in files for name, version in pinned(file, python).items()
    }


def test_requirements_with_a_triton_that_torch_refuses_do_not_resolve(index, tmp_path):
    text = (REQUIREMENTS / "engine-cuda.txt").read_text()
    (tmp_path / "wrong.txt").write_text(text.replace("triton==3.7.1", "triton==3.9.0"))
    found = resolve(index, [tmp_path / "wrong.txt"], PYTHONS[0])
    assert found.returncode
    assert "torch==2.13.0 depends on triton" in " ".join(found.stderr.split())
