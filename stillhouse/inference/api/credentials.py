"""Reads an endpoint's API key from the environment, and keeps it out of all that is written."""

from collections.abc import Mapping

from stillhouse.errors import RecipeError
from stillhouse.recipe.endpoint import Endpoint


def read_api_key(endpoint: Endpoint, environment: Mapping[str, str]) -> str:
    """Return the endpoint's API key; empty if it needs none and none is set.

    Raises:
        RecipeError: it is not set, or a request's header can't hold it. The message never holds it.
    """
    name = endpoint.key_variable
    key = environment.get(name, "").strip()
    if not key and endpoint.preset.needs_key:
        raise RecipeError(
            f"The environment variable {name} is not set; it must hold the key for {endpoint.provider} "
            f"({endpoint.address}). Set it where the run starts, or name another variable in the endpoint's "
            "api_key_env."
        )
    if not (key.isascii() and all(33 <= ord(letter) < 127 for letter in key)):
        raise RecipeError(
            f"What the environment variable {name} holds is no key: it has spaces, line ends or letters that a "
            "request can't carry. Set it to the key alone."
        )
    return key


def without_key(text: str, key: str) -> str:
    """Return `text` with *** in place of the API key: servers like to repeat what they were sent."""
    return text.replace(key, "***") if key else text
