"""Whether a host's name alone says that it is on this machine or in a private network.

This decides whether personal data may be sent there. No name is looked up, because the result would depend on where and
when the recipe is read. A name that does not say so counts as a host of the internet.
"""

import ipaddress
import re

# loopback, RFC 1918, link-local, and their IPv6 counterparts (RFC 4193, RFC 4291)
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
# domains that the public DNS never answers for: RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`
_PRIVATE_DOMAINS = ("localhost", "local", "home.arpa", "internal")
# a service of Compose or Kubernetes. A name that begins with a digit may be a disguised address (2130706433, 0x7f.1)
_SINGLE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine by its name."""
    name = host.lower().strip("[]").removesuffix(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_private(host: str) -> bool:
    """Return whether `host` is on this machine or in a private network; False if the name does not say so."""
    name = host.lower().strip("[]").removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        is_below = any(name == domain or name.endswith(f".{domain}") for domain in _PRIVATE_DOMAINS)
        return is_below or bool(_SINGLE_NAME.fullmatch(name))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in _PRIVATE)
