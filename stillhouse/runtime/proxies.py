"""Keeps requests to this machine itself off a proxy: no proxy reaches a server on the loopback of another machine."""

import os
from collections.abc import MutableMapping

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SPARED = ("no_proxy", "NO_PROXY")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def spare_loopback(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the loopback to the hosts that are reached without the environment's proxy; all others stay as they are.

    Processes that are started later inherit it. Without a proxy nothing changes.
    """
    if not any(environment.get(name) or environment.get(name.upper()) for name in _PROXIES):
        return
    hosts = [host.strip() for name in _SPARED for host in environment.get(name, "").split(",")]
    if "*" in hosts:
        return
    spared = ",".join(dict.fromkeys(filter(None, (*hosts, *_LOOPBACK))))
    # libraries read one or the other
    environment.update(dict.fromkeys(_SPARED, spared))
