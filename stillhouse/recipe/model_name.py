"""The short name of a model for people, out of what a recipe calls it."""

from pathlib import PurePosixPath

_REGISTERED = "models:/"


def short_name(model: str) -> str:
    """Return the last part of a folder, a file or a hub's name; of `models:/demo/3` demo-3."""
    if model.startswith(_REGISTERED):
        return model.removeprefix(_REGISTERED).replace("/", "-")
    return PurePosixPath(model).name
