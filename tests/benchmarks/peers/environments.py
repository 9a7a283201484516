"""The environments of the other two, each with its own packages: their wishes and Stillhouse's can't be met at once."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

# requests is imported by distilabel and not among the packages that it asks for
PACKAGES = {
    "distilabel": ("distilabel[openai]==1.5.3", "requests"),
    "curator": ("bespokelabs-curator==0.1.31",),
}


def python_of(name: str) -> Path:
    """Return the Python of one of `PACKAGES`, or Stillhouse's own."""
    return _folder(name) / "bin" / "python" if name in PACKAGES else Path(sys.executable)


def make_environments() -> None:
    """Make what is not there yet; pip says what it does. It takes minutes the first time."""
    for name, packages in PACKAGES.items():
        done = _folder(name) / ".done"
        if not done.exists():
            print(f"Making an environment for {packages[0]} in {_folder(name)}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", _folder(name)], check=True)
            pip = [python_of(name), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            subprocess.run([*pip, *packages], check=True)
            done.touch()


def _folder(name: str) -> Path:
    return ROOT / ".venv" / "peers" / name
