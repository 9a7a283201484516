"""Whether a host's name says by itself that it is this machine or a private network's.

What may be sent there hangs on it: a name that says neither counts as the internet's, and no name is
looked up, since the answer would then depend on where and when a recipe is read.
"""

import ipaddress
import re

# loopback, RFC 1918, link-local, and the same of IPv6 (RFC 4193, RFC 4291)
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
# domains that the public DNS never answers for: RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`
_PRIVATE_DOMAINS = ("localhost", "local", "home.arpa", "internal")
# a service of Compose or Kubernetes. One that begins with a digit may be an address in disguise (2130706433, 0x7f.1)
_SINGLE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def is_private(host: str) -> bool:
    """Return whether `host` is of this machine or a private network; False for any that does not say so."""
    name = host.lower().strip("[]").removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        is_below = any(name == domain or name.endswith(f".{domain}") for domain in _PRIVATE_DOMAINS)
        return is_below or bool(_SINGLE_NAME.fullmatch(name))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in _PRIVATE)
