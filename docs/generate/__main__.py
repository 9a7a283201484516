"""Writes the pages that are derived from the code: `make reference`, or `python -m docs.generate`."""

from pathlib import Path

from docs.generate.cli import cli_page
from docs.generate.known_models import models_page
from docs.generate.plan_of_50000 import plan_page
from docs.generate.providers import providers_page
from docs.generate.recipe import recipe_page, report_page
from docs.generate.settings import settings_page
from docs.generate.skills import skills_page
from docs.generate.stages import stages_page, tasks_readme
from stillhouse.repository import ROOT

REFERENCE = ROOT / "docs" / "reference"
TASKS_README = ROOT / "tasks" / "README.md"


def pages() -> dict[Path, str]:
    """Return the text of every generated page by its path."""
    return {
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "models.md": models_page(),
        REFERENCE / "plan-example.md": plan_page(),
        REFERENCE / "providers.md": providers_page(),
        REFERENCE / "recipe.md": recipe_page(),
        REFERENCE / "report-json.md": report_page(),
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "skills.md": skills_page(),
        REFERENCE / "stages.md": stages_page(),
        TASKS_README: tasks_readme(TASKS_README),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
