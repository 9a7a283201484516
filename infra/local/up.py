"""Starts Prefect server, S3 server and worker on this machine, registers the deployments: `python -m infra.local.up`.

Separate because it is one of the places where Stillhouse runs; `make up` calls it. What runs already is left alone.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import typer

from infra.local.credentials import Keys, client_environment, keep_keys, write_for_users
from infra.local.down import stop
from infra.local.paths import HOST, Places, load_places
from infra.local.ports import refuse_wrong_ports
from infra.local.processes import find
from infra.local.services import start_prefect, start_reports, start_s3, start_worker
from infra.local.state import state_lock
from stillhouse.errors import ServiceError, UserError
from stillhouse.repository import ROOT


def up(places: Places) -> None:
    """Bring all services up; what this call started is ended again if something fails.

    Raises:
        ServiceError: a port is taken, a service does not start, or the deployments can't be registered.
    """
    with state_lock(places), contextlib.ExitStack() as undo:
        refuse_wrong_ports(places)
        keys = keep_keys(places)
        write_for_users(places, keys)
        for name, start in {"s3": start_s3, "reports": start_reports, "prefect": start_prefect}.items():
            if not find(name, places.state):
                undo.callback(stop, name, places)
            _tell(name, start(places, keys))
        _register(places, keys)
        # last: its work pool is registered now
        if not find("worker", places.state):
            undo.callback(stop, "worker", places)
        _tell("worker", start_worker(places, keys))
        undo.pop_all()


def _register(places: Places, keys: Keys) -> None:
    """Register in a process of its own: Prefect reads its settings once, on import."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= client_environment(places, keys) | {"PREFECT_HOME": str(places.state / "prefect")}
    command = [sys.executable, "-m", "deployments.cli", "register"]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise ServiceError("The deployments could not be registered; the lines above say why.")


def _keep_proxies_out() -> None:
    """Have this process and its children speak to the loopback directly, whatever proxy the shell names."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, (known, HOST)))


def _tell(name: str, started: bool) -> None:
    typer.echo(f"{name:8} {'started' if started else 'already runs'}")


def _tell_user(places: Places) -> None:
    env = _short(places.env_file)
    typer.echo(
        f"\nPrefect's UI: {places.ui_url}\n"
        f"  log in with the line in {_short(places.login_file)}\n"
        f"To use these servers from a shell: set -a; . {env}; set +a\n"
        f"Logs: {_short(places.logs)}    End it all: make down"
    )


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2."""
    _keep_proxies_out()
    try:
        places = load_places()
        up(places)
    except UserError as error:
        typer.echo(f"make up: {error}", err=True)
        sys.exit(2)
    _tell_user(places)


if __name__ == "__main__":
    main()
