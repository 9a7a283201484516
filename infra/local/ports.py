"""Checks the ports of the services before anything is started, so that a taken port leaves nothing behind."""

import socket

from infra.local.paths import HOST, PORTS, LocalPaths
from infra.local.processes import find, notes_of
from stillhouse.errors import ServiceError


def refuse_wrong_ports(paths: LocalPaths) -> None:
    """Return if each service can have its port.

    Raises:
        ServiceError: another program has the port, or the service runs on another port; it names the setting.
    """
    for service, port in paths.ports.items():
        setting = PORTS[service][0]
        if not find(service, paths.state):
            if not _is_free(port):
                raise ServiceError(f"Port {port} is taken by another program; set {setting} to a free port.")
            continue
        runs_on = notes_of(service, paths.state)["port"]
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
        # as servers do: a connection that just closed does not count, a listener does
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
