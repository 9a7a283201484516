"""Whether a service may have its port: before anything is started, so that a taken one leaves nothing behind.

Separate because the answer is a message to the user, who must know which setting to change.
"""

import socket

from infra.local.paths import HOST, PORTS, Places
from infra.local.processes import find, notes_of
from stillhouse.errors import ServiceError


def refuse_wrong_ports(places: Places) -> None:
    """Check the port of each service.

    Raises:
        ServiceError: something else has the port, or the service runs already on another one; names the setting.
    """
    for service, port in places.ports.items():
        setting = PORTS[service][0]
        if not find(service, places.state):
            if not _is_free(port):
                raise ServiceError(f"Port {port} is taken by another program; set {setting} to a free port.")
            continue
        runs_on = notes_of(service, places.state)["port"]
        if runs_on != port:
            raise ServiceError(
                f"The {service} service already runs on port {runs_on}, and {setting} says {port}: "
                f"set it to {runs_on}, or `make down` first."
            )


def is_open(port: int) -> bool:
    """Return whether something listens on the loopback's port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as servers do: connections that just closed are no obstacle, a listener is
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
