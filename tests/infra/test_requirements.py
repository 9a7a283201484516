"""What can be said of the pinned files without an index: form, agreement with what is installed, the right torch."""

import json
import subprocess
import sys
from importlib.metadata import Distribution, distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.infra.pins import FILES, PYTHONS, holds_on, lines, pinned, version_of
from tests.support.infra.stub_wheel import write_wheel

# which of them have builds for CPUs and for CUDA under one version
BUILT_FOR_A_DEVICE = ("torch", "torchvision", "torchaudio", "torchcodec", "vllm")


def unmet(installed: Distribution, pins: dict[str, str], python: str) -> list[str]:
    """The wishes of one installed package that the pins of its file don't meet on one Python."""
    wishes = [wish for text in installed.requires or [] if holds_on(wish := Requirement(text), python)]
    return [
        f"{installed.name} on {python}: {wish}"
        for wish in wishes
        if (name := canonicalize_name(wish.name)) not in pins
        or not wish.specifier.contains(pins[name], prereleases=True)
    ]


@pytest.mark.parametrize("file", FILES)
def test_requirements_every_line_pins_one_version_of_one_package(file):
    found = lines(file)
    assert all(len(line.specifier) == 1 for line in found)
    assert {next(iter(line.specifier)).operator for line in found} <= {"==", "==="}
    assert not [line for line in found if "*" in str(line.specifier)]
    names = [canonicalize_name(line.name) for line in found]
    assert len(set(names)) == len(names)


def test_requirements_of_ray_change_nothing_in_the_environment_that_they_join():
    control = pinned("control", PYTHONS[0])
    shared = {name: version for name, version in pinned("ray", PYTHONS[0]).items() if name in control}
    assert shared
    assert shared == {name: control[name] for name in shared}


@pytest.mark.parametrize("python", PYTHONS)
def test_requirements_of_control_meet_what_its_packages_ask_for(python):
    pins = pinned("control", python)
    ours = [found for found in distributions() if canonicalize_name(found.name) in pins]
    assert len(ours) > 200
    assert [wish for found in ours for wish in unmet(found, pins, python)] == []


def test_cuda_pins_take_no_cpu_build_that_an_index_offers_beside_theirs(tmp_path):
    pins = {line.name: line for line in lines("engine-cuda") if line.name in BUILT_FOR_A_DEVICE}
    versions = {name: version_of(pin) for name, pin in pins.items()}
    for name, version in versions.items():
        write_wheel(tmp_path, name, version)
        write_wheel(tmp_path, name, f"{version}+cpu")
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--ignore-installed"]
    only_here = ["--no-index", "--find-links", str(tmp_path), "--no-deps", "--dry-run", "--quiet", "--report", "-"]
    done = subprocess.run([*pip, *only_here, *map(str, pins.values())], capture_output=True, text=True, check=True)
    taken = [package["metadata"] for package in json.loads(done.stdout)["install"]]
    assert {package["name"]: package["version"] for package in taken} == versions
    assert set(versions) == set(BUILT_FOR_A_DEVICE)
