"""The Prefect server of PREFECT_API_URL, checked before it is used: each failure is one sentence."""

import contextlib
from collections.abc import Iterator

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from stillhouse.errors import ServiceError

_LOCAL = "`make up` starts one on this machine; then: set -a; . .stillhouse/local/env; set +a"


@contextlib.contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """Yield a client of a server that answers and accepts the login.

    Raises:
        ServiceError: no server is set, none answers, or it refuses the login.
    """
    url = get_current_settings().api.url
    if not url:
        raise ServiceError(f"PREFECT_API_URL is not set, so there is no Prefect server to use. {_LOCAL}")
    with get_client(sync_client=True) as client:
        _probe(client, url)
        yield client


def _probe(client: SyncPrefectClient, url: str) -> None:
    try:
        client.api_version()
    except httpx.TransportError as error:
        raise ServiceError(f"No Prefect server answers at {url} (PREFECT_API_URL): {error}. {_LOCAL}") from error
    except PrefectHTTPStatusError as error:
        if error.response.status_code == httpx.codes.UNAUTHORIZED:
            raise ServiceError(
                f"The Prefect server at {url} refuses the login; set PREFECT_API_AUTH_STRING to its user:password."
            ) from error
        raise ServiceError(f"{url} answered {error.response.status_code}; {_is_it_the_api(url)}") from error
    except ValueError as error:
        raise ServiceError(f"{url} answered with something else than Prefect's API; {_is_it_the_api(url)}") from error


def _is_it_the_api(url: str) -> str:
    return f"PREFECT_API_URL must be the address of the API, which ends in /api; it is {url!r}."
