"""The generated pages are those that the code gives now; `make reference` writes them."""

from pathlib import Path

import pytest

from docs.generate.__main__ import pages
from docs.generate.markdown import table
from docs.generate.models import bounds_of, default_of, type_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Sampling
from stillhouse.recipe.training import Lora, Training
from stillhouse.runtime.settings import load_settings
from tests.support.paths import ROOT

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_page_is_what_the_code_gives_now(path: Path):
    assert path.read_text(encoding="utf-8") == PAGES[path], "stale: run `make reference` and commit the pages"


def test_every_page_of_the_reference_is_generated():
    assert set((ROOT / "docs" / "reference").glob("*.md")) <= set(PAGES)


def test_recipe_page_has_a_row_for_every_field_of_the_recipe():
    text = PAGES[ROOT / "docs" / "reference" / "recipe.md"]
    assert all(f"\n| `{name}` | " in text for name in (*Recipe.model_fields, *Training.model_fields))


def test_field_is_shown_with_type_default_and_bounds():
    seed, n = Sampling.model_fields["seed"], Sampling.model_fields["n"]
    assert (type_of("n", n), default_of(n), bounds_of(n)) == ("integer", "`1`", "≥ 1, ≤ 64")
    assert bounds_of(seed) == "≥ 0, < 4294967296"
    assert bounds_of(Lora.model_fields["dropout"]) == "≥ 0.0, < 1.0"


def test_settings_page_shows_the_defaults_that_settings_have():
    text = PAGES[ROOT / "docs" / "reference" / "settings.md"]
    settings = load_settings({})
    assert f"| `STILLHOUSE_STALL_TIMEOUT` | `{settings.stall_timeout_s:g}` |" in text
    assert f"| `STILLHOUSE_STORE` | `{Path(settings.store.url).relative_to(ROOT)}` |" in text


def test_table_cells_keep_bars_and_lines_inside_their_cell():
    assert table(("a",), [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"
