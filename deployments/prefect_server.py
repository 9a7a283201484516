"""The Prefect server of PREFECT_API_URL or of a profile, checked before it is used: each failure is one sentence."""

import contextlib
import os
from collections.abc import Iterator

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import get_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from stillhouse.errors import ServiceError

_LOCAL = "`make up` starts one on this machine; then: set -a; . .stillhouse/local/env; set +a"


def server_url() -> str | None:
    """Return the address of the server that runs report to, wherever Prefect has it from; None without one."""
    return get_current_settings().api.url


@contextlib.contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """Yield a client of a server that answers and accepts the login.

    Raises:
        ServiceError: no server is set, none answers, or it refuses the login.
    """
    url = server_url()
    if not url:
        raise ServiceError(f"PREFECT_API_URL is not set, so there is no Prefect server to use. {_LOCAL}")
    with get_client(sync_client=True) as client:
        _probe(client, url)
        yield client


def _probe(client: SyncPrefectClient, url: str) -> None:
    try:
        client.api_version()
    except httpx.TransportError as error:
        raise ServiceError(f"No Prefect server answers at {url} ({_source()}): {error}. {_LOCAL}") from error
    except PrefectHTTPStatusError as error:
        if error.response.status_code == httpx.codes.UNAUTHORIZED:
            raise ServiceError(
                f"The Prefect server at {url} refuses the login; set PREFECT_API_AUTH_STRING to its user:password."
            ) from error
        raise ServiceError(f"{url} answered {error.response.status_code}; {_is_it_the_api(url)}") from error
    except ValueError as error:
        raise ServiceError(f"{url} answered with something else than Prefect's API; {_is_it_the_api(url)}") from error


def _is_it_the_api(url: str) -> str:
    return f"{_source()} must be the address of the API, which ends in /api; it is {url!r}."


def _source() -> str:
    """Return where the address stands; in a profile people forget it."""
    if os.environ.get("PREFECT_API_URL"):
        return "PREFECT_API_URL"
    name = get_settings_context().profile.name
    return f"PREFECT_API_URL of the Prefect profile {name}; to run without: prefect config unset PREFECT_API_URL -y"
