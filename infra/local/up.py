"""Starts the servers and a worker on this machine, and registers the deployments: `python -m infra.local.up`.

A service that runs already is left alone.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import typer

from infra.local.credentials import Keys, client_environment, load_keys, write_for_users
from infra.local.down import stop
from infra.local.paths import HOST, LocalPaths, load_paths
from infra.local.ports import refuse_wrong_ports
from infra.local.processes import find
from infra.local.services import start_prefect, start_reports, start_s3, start_worker
from infra.local.state import state_lock
from stillhouse.errors import ServiceError, UserError
from stillhouse.repository import ROOT


def up(paths: LocalPaths) -> None:
    """Start all services; if one fails, those that this call started are ended again.

    Raises:
        ServiceError: a port is taken, a service does not start, or the deployments can't be registered.
    """
    with state_lock(paths), contextlib.ExitStack() as undo:
        refuse_wrong_ports(paths)
        keys = load_keys(paths)
        write_for_users(paths, keys)
        for name, start in {"s3": start_s3, "reports": start_reports, "prefect": start_prefect}.items():
            if not find(name, paths.state):
                undo.callback(stop, name, paths)
            _print_state(name, start(paths, keys))
        _register(paths, keys)
        # last: its work pool is registered now
        if not find("worker", paths.state):
            undo.callback(stop, "worker", paths)
        _print_state("worker", start_worker(paths, keys))
        undo.pop_all()


def _register(paths: LocalPaths, keys: Keys) -> None:
    """Register the deployments in another process, since Prefect reads its settings once, on import."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= client_environment(paths, keys) | {"PREFECT_HOME": str(paths.state / "prefect")}
    command = [sys.executable, "-m", "deployments.cli", "register"]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise ServiceError("The deployments could not be registered; the lines above say why.")


def _keep_proxies_out() -> None:
    """Keep requests of this process and its children to the loopback away from the shell's proxies."""
    without_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, (without_proxy, HOST)))


def _print_state(name: str, started: bool) -> None:
    typer.echo(f"{name:8} {'started' if started else 'already runs'}")


def _print_addresses(paths: LocalPaths) -> None:
    env = _short(paths.env_file)
    typer.echo(
        f"\nPrefect's UI: {paths.ui_url}\n"
        f"  log in with the line in {_short(paths.login_file)}\n"
        f"To use these servers from a shell: set -a; . {env}; set +a\n"
        f"Logs: {_short(paths.logs)}    End it all: make down"
    )


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2."""
    _keep_proxies_out()
    try:
        paths = load_paths()
        up(paths)
    except UserError as error:
        typer.echo(f"make up: {error}", err=True)
        sys.exit(2)
    _print_addresses(paths)


if __name__ == "__main__":
    main()
