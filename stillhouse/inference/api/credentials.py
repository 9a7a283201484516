"""Reads an endpoint's API key from the environment, and keeps it out of all that is written."""

from collections.abc import Iterable, Mapping

from stillhouse.errors import RecipeError
from stillhouse.inference.api.trust import check_key_stays_home
from stillhouse.recipe.endpoint import Endpoint


def read_api_key(endpoint: Endpoint, environment: Mapping[str, str]) -> str:
    """Return the endpoint's API key; empty if it needs none and none is set.

    Raises:
        RecipeError: it is not set, may not go to the endpoint's host, or a request's header can't hold it. The message
            never holds it.
    """
    name = endpoint.key_variable
    key = environment.get(name, "").strip()
    if key or endpoint.preset.needs_key:
        check_key_stays_home(endpoint, environment)
    if not key and endpoint.preset.needs_key:
        raise RecipeError(
            f"The environment variable {name} is not set; it must hold the key for {endpoint.provider} "
            f"({endpoint.address}). Set it where the run starts, or name another variable in the endpoint's "
            "api_key_env."
        )
    if not _is_sendable(key):
        raise RecipeError(
            f"What the environment variable {name} holds is no key: it has spaces, line ends or letters that a "
            "request can't carry. Set it to the key alone."
        )
    return key


def read_secret_headers(endpoint: Endpoint, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of the endpoint whose values stand in the environment.

    Raises:
        RecipeError: a variable is not set, may not go to the endpoint's host, or a header can't hold it. The message
            never holds it.
    """
    for variable in endpoint.headers_from_env.values():
        check_key_stays_home(endpoint, environment, variable)
    found = {header: environment.get(name, "").strip() for header, name in endpoint.headers_from_env.items()}
    for header, value in found.items():
        if not value or not _is_sendable(value):
            raise RecipeError(
                f"The environment variable {endpoint.headers_from_env[header]} must hold the value of the header "
                f"{header} for {endpoint.address}, in one word of ASCII letters: it "
                f"{'holds something else' if value else 'is not set'}. Set it where the run starts, or take it out of "
                "the endpoint's headers_from_env."
            )
    return found


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with *** in place of secrets: servers like to repeat what they were sent."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text


def _is_sendable(value: str) -> bool:
    return value.isascii() and all(33 <= ord(letter) < 127 for letter in value)
