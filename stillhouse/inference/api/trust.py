"""Which hosts a key may go to: its provider's own, this machine, and those that whoever starts the run has named.

A recipe may come from anybody, so nothing that it says widens this.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stillhouse.errors import RecipeError
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.private_hosts import is_loopback, is_private
from stillhouse.recipe.providers import PROVIDERS, Provider, owner_of

if TYPE_CHECKING:  # the check before a run needs no client
    import openai

_VARIABLE = "STILLHOUSE_TRUSTED_HOSTS"
# what one library reads as another host than the other does is none: no user, no escapes, no backslash
_PLAIN_HOST = re.compile(r"[a-z0-9._:-]+")


def trusted_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the hosts that STILLHOUSE_TRUSTED_HOSTS names, in small letters.

    Raises:
        RecipeError: an entry is not the name or address of one host.
    """
    entries = [entry for entry in re.split(r"[,\s]+", environment.get(_VARIABLE, "").lower()) if entry]
    for entry in entries:
        if not _PLAIN_HOST.fullmatch(entry) or (":" in entry and entry.count(":") == 1):
            raise RecipeError(
                f"{_VARIABLE} holds {entry!r}; it must hold names of hosts with commas between them, without https://, "
                "port, path or *, such as gateway.example,10.0.0.5."
            )
    return frozenset(entry.removesuffix(".") for entry in entries)


def check_key_stays_home(endpoint: Endpoint, environment: Mapping[str, str], variable: str = "") -> None:
    """Do nothing if the endpoint's key, or the secret in `variable`, may go to its address.

    Raises:
        RecipeError: the host is not the key's provider's own, not this machine and not named by whoever starts the
            run; or the address is plain http to a public host.
    """
    variable, host = variable or endpoint.key_variable, _host(endpoint)
    owner = owner_of(variable) or endpoint.provider
    if not _may_get(PROVIDERS[owner], host, environment):
        raise RecipeError(
            f"The key in {variable} may not go to {host}. A recipe may come from anybody, so a key goes only to hosts "
            f"of its own provider ({owner}: {PROVIDERS[owner].key_hosts_text}), to this machine, and to hosts that "
            f"whoever starts the run has named. If you trust {host} with this key, set {_VARIABLE}={host} where the "
            "run starts; else change the endpoint's base_url, api_key_env or headers_from_env."
        )
    if urlsplit(endpoint.address).scheme == "http" and not is_private(host):
        raise RecipeError(
            f"The key in {variable} may not go to {host} over http://, where everybody on the way can read it. Use "
            f"https://, or an address in a private network. If the server wants no key, leave {variable} unset."
        )


def check_secrets_may_go_to(endpoint: Endpoint, url: str, environment: Mapping[str, str]) -> None:
    """Do nothing if all that the endpoint's requests carry may go to `url`, which the endpoint named.

    Raises:
        RecipeError: it may not, or `url` is none.
    """
    there = endpoint.model_copy(update={"base_url": url})
    for variable in (endpoint.key_variable, *endpoint.headers_from_env.values()):
        check_key_stays_home(there, environment, variable)


def drop_foreign_headers(
    api: "openai.AsyncOpenAI", endpoint: Endpoint, environment: Mapping[str, str], own: Mapping[str, str]
) -> None:
    """Take out of the library's client what it read from OPENAI_* variables, unless it talks to OpenAI.

    It sends OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS to whoever it talks to. `own` are the headers
    that stay.
    """
    api.admin_api_key = None  # no call here needs it
    if endpoint.provider != "openai" or not _may_get(PROVIDERS["openai"], _host(endpoint), environment):
        api.organization = api.project = None
        api._custom_headers = dict(own)


def _host(endpoint: Endpoint) -> str:
    return (urlsplit(endpoint.address).hostname or "").removesuffix(".")


def _may_get(provider: Provider, host: str, environment: Mapping[str, str]) -> bool:
    """Return whether a key of `provider` may go to `host`."""
    is_named = host in trusted_hosts(environment)
    return bool(_PLAIN_HOST.fullmatch(host)) and (is_named or provider.is_own_host(host) or is_loopback(host))
