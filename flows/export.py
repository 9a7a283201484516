"""Export of a registered version, from Prefect's page or whenever a champion is replaced."""

import logging
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from stillhouse.artifacts.store import open_store
from stillhouse.recipe.export import Export
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.exporting.version import export_version, register_exports
from tasks.orchestration.export_check import check_exports
from tasks.orchestration.preflight import run_id
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import Run, join_prefect

log = logging.getLogger("stillhouse")

# a form shows it as an empty field
NO_FORMATS: list[Export] = []


@flow(name="export", flow_run_name="export-{model}", persist_result=False, result_serializer=PLAIN_JSON)
@one_line_errors("export")
def export(model: Annotated[str, Field(min_length=1)], formats: list[Export] = NO_FORMATS) -> dict[str, Any]:
    """Convert a registered version, measure each export on its run's test rows, and register those that pass.

    Args:
        model: the version, as NAME@champion or NAME/3
        formats: what it is converted to; empty takes those of the version's recipe

    Raises:
        ModelError: there is no such version, or a converter refuses its student.
        RecipeError: a format does not take such a student, or needs a package that is missing.
        StoreError: the store can't be used, or lacks what the version's run made.
    """
    join_prefect()
    settings = load_settings()
    version = ModelRegistry(open_store(settings.store)).find(model)
    recipe = parse_recipe(version.recipe)
    entries = tuple(formats) or recipe.export
    if not entries:
        log.info("the recipe of %s names no formats in `export`: nothing to do", version.reference)
        return {"model": version.reference, "exports": {}}
    # the exports are of this version's student, whatever the recipe's entries name
    recipe = recipe.model_copy(update={"export": tuple(one.model_copy(update={"student": ""}) for one in entries)})
    check_exports(recipe, settings)
    with Run(recipe, settings, frozenset(), run_id(f"export-{version.name}")) as run:
        found = export_version(run, version, recipe.export)
        registered = register_exports(run, version, found)
    return {"model": registered.reference, "exports": {key: one.model_dump(mode="json") for key, one in found.items()}}
