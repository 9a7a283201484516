"""A file with a recipe's section `sweep`, so that one recipe can have several."""

from typing import Any

import fsspec
import yaml

from stillhouse.errors import RecipeError
from stillhouse.url_credentials import RULE, has_password, hide_passwords


def read_space(location: str) -> dict[str, Any]:
    """Return what a YAML file at a path or URL holds: the fields of the section, or `sweep:` with them below.

    Raises:
        RecipeError: the file can't be read, or holds something else.
    """
    if has_password(location):
        raise RecipeError(f"Sweep file {hide_passwords(location)} is refused: {RULE}.")
    try:
        with fsspec.open(location, "rt", encoding="utf-8") as stream:
            fields = yaml.safe_load(stream.read())
    except (OSError, ValueError, ImportError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise RecipeError(f"Sweep file {location} can't be read: {why}") from None
    fields = fields.get("sweep", fields) if isinstance(fields, dict) else fields
    if not isinstance(fields, dict) or "space" not in fields:
        raise RecipeError(
            f"Sweep file {location} has no `space`: write the section `sweep` of a recipe in it, as "
            "space: {training.epochs: [1, 2]}."
        )
    return fields
