"""The pinned files of infra/requirements, and the Pythons that they are for."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

REQUIREMENTS = ROOT / "infra" / "requirements"
FILES = ("control", "mlflow", "ray", "engine-cpu", "engine-cuda", "export", "docs")
# those of Debian 12, Ubuntu 24.04 and Debian 13
PYTHONS = ("3.11.2", "3.12.3", "3.13.5")


def holds_on(requirement: Requirement, python: str) -> bool:
    """Whether a requirement's marker, if it has one, is true on this machine with that Python and without extras."""
    environment = {"python_version": python.rpartition(".")[0], "python_full_version": python, "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def version_of(pin: Requirement) -> str:
    """The one version that a pin takes."""
    (specifier,) = pin.specifier
    return specifier.version


def lines(file: str) -> list[Requirement]:
    """Every pin of one file, in its order."""
    text = (REQUIREMENTS / f"{file}.txt").read_text()
    return [Requirement(line) for line in text.splitlines() if not line.startswith("#")]


def pinned(file: str, python: str) -> dict[str, str]:
    """Version of each package that a file installs on one Python, by the package's canonical name."""
    return {canonicalize_name(line.name): version_of(line) for line in lines(file) if holds_on(line, python)}
