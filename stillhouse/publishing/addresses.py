"""Which server gets a token: its own, this machine, or one that whoever publishes has named."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from stillhouse.errors import ServiceError
from stillhouse.inference.api.trust import trusted_hosts
from stillhouse.recipe.private_hosts import is_loopback, is_private


def check_address(variable: str, address: str) -> str:
    """Return `address`, which `variable` holds, without a slash at its end.

    Raises:
        ServiceError: it is no http(s) address, or holds a password.
    """
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or parts.username or parts.password:
        # not repeated: it may hold a password
        raise ServiceError(f"{variable} must be the address of a server as https://host, without user and password.")
    return address.rstrip("/")


def check_token_may_go(
    token: str, address: str, environment: Mapping[str, str], *, own_hosts: Iterable[str] | None = None
) -> None:
    """Do nothing if what the variable `token` holds may go to `address`; `own_hosts` (None: any) are the token's own.

    Raises:
        ServiceError: it may not.
        RecipeError: STILLHOUSE_TRUSTED_HOSTS holds something else than hosts.
    """
    host = (urlsplit(address).hostname or "").removesuffix(".")
    is_named = is_loopback(host) or host in trusted_hosts(environment)
    own = None if own_hosts is None else tuple(own_hosts)
    if own is not None and not is_named and not any(host == one or host.endswith(f".{one}") for one in own):
        raise ServiceError(
            f"{token} may not go to {host}: it goes to {', '.join(own)}, to this machine, and to hosts that "
            f"STILLHOUSE_TRUSTED_HOSTS names. If you trust {host} with it, set STILLHOUSE_TRUSTED_HOSTS={host}."
        )
    if urlsplit(address).scheme == "http" and not is_private(host):
        raise ServiceError(f"{token} may not go to {host} over http://, where everybody on the way can read it.")
