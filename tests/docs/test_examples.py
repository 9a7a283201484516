"""The recipes that the documentation shows are recipes that Stillhouse takes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.recipe.load import parse_recipe
from tests.support.paths import ROOT

BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
SMALLEST = ROOT / "docs" / "guides" / "your-data.md"
# a judge reads free answers, and of labels nothing is drawn
FREE_ANSWERS = {
    "skill": {"kind": "summarization"},
    "data": {
        "train": {"path": "texts.jsonl", "columns": {"text": "text"}},
        "test": {"path": "test.jsonl", "columns": {"text": "text", "reference": "summary"}},
    },
}


def blocks(page: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in BLOCK.findall(page.read_text(encoding="utf-8"))]


PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))] if blocks(page)]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_recipe_that_a_page_shows_is_accepted(page):
    (recipe,) = blocks(SMALLEST)
    if page.stem in ("judge", "logits"):
        recipe |= FREE_ANSWERS
    # what a page shows later adds to what it showed before
    for block in blocks(page):
        recipe |= block
        if "students" in block:  # in place of `student`
            del recipe["student"]
        assert parse_recipe(recipe).teachers


def test_pages_with_recipes_are_found():
    assert {"README", "your-data", "several-teachers", "judge", "cost-and-budget"} <= {page.stem for page in PAGES}
