"""docs/reference/recipe.md and report-json.md, from their pydantic models."""

from pydantic import BaseModel

from docs.generate.markdown import code, page, table
from docs.generate.models import bounds_of, default_of, heading, mark_of, reached, type_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.schema.report import Report

_INTRO = """
A recipe is one YAML file. Each section below is one part of it. `stillhouse recipe schema` prints the same as a JSON
schema, for editors. [Your own data](../guides/your-data.md) has the smallest recipe.

The last column but one says whether a field changes results. An **identity** field enters the fingerprints of the
stages that use it; *if set* means that its default does not enter. An **execution** field says where or how fast work
runs, or is only recorded; changing it builds nothing again.
"""
_REPORT = """
`report.json` holds every number of a run, with its sample size and interval. `report.html` shows the same. A number
that was not measured is null, never 0. Files are kept for good: a field that was ever filled keeps its name.
"""


def recipe_page() -> str:
    """Return the page of every recipe field."""
    header = ("field", "type", "default", "bounds", "identity or execution", "meaning")
    return page("Recipe", _INTRO, *(_section(header, *entry, with_marks=True) for entry in _models(Recipe)))


def report_page() -> str:
    """Return the page of every field of report.json."""
    header = ("field", "type", "default", "bounds", "meaning")
    return page("report.json", _REPORT, *(_section(header, *entry, with_marks=False) for entry in _models(Report)))


def _models(root: type[BaseModel]) -> list[tuple[type[BaseModel], list[str], bool]]:
    """Return each model once, with all its paths, and whether it is execution wherever it stands."""
    found: dict[type[BaseModel], list[tuple[str, bool]]] = {}
    for model, path, is_execution in reached(root):
        found.setdefault(model, []).append((path, is_execution))
    return [
        (model, list(dict.fromkeys(path for path, _ in places)), all(flag for _, flag in places))
        for model, places in found.items()
    ]


def _section(
    header: tuple[str, ...], model: type[BaseModel], paths: list[str], is_execution: bool, *, with_marks: bool
) -> str:
    rows = []
    for name, field in model.model_fields.items():
        mark = ["execution" if is_execution else mark_of(field)] if with_marks else []
        meaning = field.description or ""
        rows.append(
            [code(field.alias or name), type_of(name, field), default_of(field), bounds_of(field), *mark, meaning]
        )
    return f"{heading(model, paths)}\n\n{table(header, rows)}"
