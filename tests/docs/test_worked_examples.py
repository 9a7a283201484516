"""The pages docs/development/adding-a-*.md work as they stand.

A page's blocks that name a file are applied to a copy of the sources, nothing else is changed, and the tests that the
page shows are run there. A `python` block is a new file; a `diff` block adds and removes lines beside its context.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.paths import ROOT

PAGES = sorted((ROOT / "docs" / "development").glob("adding-a-*.md"))
_BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_SOURCES = ("stillhouse", "tasks", "flows", "deployments", "tests/support")


class Block(NamedTuple):
    """A block of a page, and the file that it names."""

    kind: str  # python | diff
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def apply(block: Block, folder: Path) -> None:
    path = folder / block.file
    if block.kind == "python":
        assert not (ROOT / block.file).exists(), f"{block.file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return
    lines = block.text.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1, f"{block.file} has these lines {source.count(before)} times:\n{before}"
    path.write_text(source.replace(before, after), encoding="utf-8")


def copy_sources(folder: Path) -> None:
    for source in _SOURCES:
        shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "test_architecture.py", folder / "tests")


def apply_pages(pages: list[Path], folder: Path) -> list[Block]:
    """Apply the pages' blocks to a copy of the sources, and return them."""
    copy_sources(folder)
    found = [block for page in pages for block in blocks(page)]
    for block in found:
        apply(block, folder)
    return found


def run_page_tests(pages: list[Path], folder: Path) -> None:
    """Apply the pages' blocks to a copy of the sources, and run the pages' tests in it."""
    found = apply_pages(pages, folder)
    tests = [block.file for block in found if Path(block.file).name.startswith("test_") and block.kind == "python"]
    assert len(tests) == len(pages), "each page shows one test module"
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_worked_examples_blocks_of_all_pages_fit_the_sources(tmp_path):
    assert {block.kind for block in apply_pages(PAGES, tmp_path)} == {"python", "diff"}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_worked_examples_all_pages_in_one_copy_pass_their_tests(tmp_path):
    run_page_tests(PAGES, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_worked_example_page_alone_passes_its_tests(page, tmp_path):
    run_page_tests([page], tmp_path)


def test_worked_examples_are_there_for_every_seam():
    assert {page.stem.removeprefix("adding-a-") for page in PAGES} == {
        "filter",
        "flow",
        "metric",
        "provider",
        "skill",
        "training-method",
    }


def test_apply_refuses_a_diff_whose_context_is_gone(tmp_path):
    (tmp_path / "a.py").write_text("one = 1\n")
    with pytest.raises(AssertionError, match=r"a\.py has these lines 0 times"):
        apply(Block("diff", "a.py", " two = 2\n+three = 3\n"), tmp_path)
