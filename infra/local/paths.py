"""Where `make up` keeps its files and on which ports it serves, from the environment; `make down` reads the same."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT
from stillhouse.runtime.variables import Variable

HOST = "127.0.0.1"
BUCKET = "stillhouse"
PORTS = {
    "prefect": ("STILLHOUSE_PREFECT_PORT", 4200),
    "reports": ("STILLHOUSE_REPORTS_PORT", 4201),
    "s3": ("STILLHOUSE_S3_PORT", 9000),
}
STATE = "STILLHOUSE_LOCAL"
VARIABLES = {
    STATE: Variable(".stillhouse/local", "state of `make up`: keys, database, bucket, logs"),
    **{
        name: Variable(str(port), f"loopback port of `make up` for {service}")
        for service, (name, port) in PORTS.items()
    },
}


@dataclass(frozen=True)
class LocalPaths:
    """The state folder of one machine's services and their ports."""

    state: Path
    ports: Mapping[str, int]

    @property
    def ui_url(self) -> str:
        """Address of Prefect's UI."""
        return f"http://{HOST}:{self.ports['prefect']}"

    @property
    def s3_url(self) -> str:
        """The endpoint of the S3 server."""
        return f"http://{HOST}:{self.ports['s3']}"

    @property
    def reports_url(self) -> str:
        """Address of the server of finished reports."""
        return f"http://{HOST}:{self.ports['reports']}"

    @property
    def reports(self) -> Path:
        """The folder in which the S3 server keeps the store's runs/."""
        return self.state / "s3" / BUCKET / "store" / "runs"

    @property
    def store(self) -> str:
        """The store of the worker's runs."""
        return f"s3://{BUCKET}/store"

    @property
    def logs(self) -> Path:
        """The folder with one log file a service."""
        return self.state / "logs"

    @property
    def keys_file(self) -> Path:
        """The keys, made at the first start."""
        return self.state / "keys.json"

    @property
    def login_file(self) -> Path:
        """The file with the line that the UI's login page asks for."""
        return self.state / "login"

    @property
    def env_file(self) -> Path:
        """The file that a shell sources to use these services."""
        return self.state / "env"


def load_paths(environment: Mapping[str, str] = os.environ) -> LocalPaths:
    """Return the paths and ports that the environment sets.

    Raises:
        ServiceError: a port is not a number in range, or two services have the same port.
    """
    ports = {service: _port(environment, name, default) for service, (name, default) in PORTS.items()}
    for port in ports.values():
        settings = [PORTS[service][0] for service, other in ports.items() if other == port]
        if len(settings) > 1:
            raise ServiceError(f"{' and '.join(settings)} are both {port}; each server needs a port of its own.")
    return LocalPaths(state=Path(environment.get(STATE) or ROOT / VARIABLES[STATE].default).absolute(), ports=ports)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isdecimal() and 1024 <= int(text) <= 65535):
        raise ServiceError(f"{name} is {text!r}; it must be a port between 1024 and 65535.")
    return int(text)
