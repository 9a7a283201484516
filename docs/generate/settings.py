"""docs/reference/settings.md, from the variables that each part of the code reads."""

from collections.abc import Mapping

from deployments import notifications
from docs.generate.markdown import code, page, table
from infra.local import paths
from stillhouse.recipe.providers import PROVIDERS
from stillhouse.runtime.variables import VARIABLES, Variable

_INTRO = """
All settings come from the environment. None changes a result. Keys are read by the libraries that need them, and are in
no recipe, record, log or report. Relative defaults are in the clone, wherever the command runs.
"""
_OTHER_KEYS = (
    "`endpoint.api_key_env` names another variable that ends in `_API_KEY`. `STILLHOUSE_TRUSTED_HOSTS` says which "
    "further hosts get a key."
)


def settings_page() -> str:
    """Return the page of every environment variable."""
    keys = {
        provider.key_variable: Variable("", f"key of a teacher's or judge's endpoint with provider `{name}`")
        for name, provider in PROVIDERS.items()
    }
    return page(
        "Settings",
        _INTRO,
        f"## Runs\n\n{_table(VARIABLES)}",
        f"## Keys of API teachers and judges\n\n{_OTHER_KEYS}\n\n{_table(keys)}",
        f"## Notifications\n\nRead by `make up` and `stillhouse register`.\n\n{_table(notifications.VARIABLES)}",
        f"## Local services\n\nRead by `make up` and `make down`.\n\n{_table(paths.VARIABLES)}",
    )


def _table(variables: Mapping[str, Variable]) -> str:
    rows = [[code(name), code(one.default) or "not set", one.meaning] for name, one in variables.items()]
    return table(("variable", "default", "meaning"), rows)
