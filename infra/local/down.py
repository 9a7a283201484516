"""Ends all that `make up` started on this machine: `python -m infra.local.down`.

Runs end first, while server and store still answer, so that their end is recorded and their last answers are stored.
"""

import contextlib
import sys

import httpx
import typer

from infra.local.api import settle_runs
from infra.local.credentials import load_keys
from infra.local.paths import LocalPaths, load_paths
from infra.local.processes import end, family, find, forget, is_flow_run, still_alive, trees
from infra.local.state import state_lock
from stillhouse.errors import ServiceError, UserError

_RUN_GRACE_S = 30.0  # for a run to store its last answers and report its end
_SERVICE_GRACE_S = 10.0


def down(paths: LocalPaths) -> None:
    """End the worker with its runs, the Prefect server and the S3 server; stored data stays.

    Raises:
        ServiceError: a process still runs after it was killed.
    """
    with state_lock(paths):
        _stop_runs(paths)
        for name in ("prefect", "reports", "s3"):
            stop(name, paths)
        end(family([], paths.state), grace_s=5)
        left = still_alive(family([], paths.state))
    if left:
        raise ServiceError(f"These processes could not be ended: {', '.join(str(one.pid) for one in left)}.")


def stop(name: str, paths: LocalPaths) -> None:
    """End one service and all its child processes."""
    process = find(name, paths.state)
    if process:
        end([process, *process.children(recursive=True)], _SERVICE_GRACE_S)
        typer.echo(f"{name:8} ended")
    forget(name, paths.state)


def _stop_runs(paths: LocalPaths) -> None:
    """End the worker and all runs, also those that lost their worker, while server and store still answer."""
    services = {name: find(name, paths.state) for name in ("prefect", "reports", "s3", "worker")}
    servers = trees(one for name, one in services.items() if one and name != "worker")
    working = [one for one in family(filter(None, [services["worker"]]), paths.state) if one not in servers]
    end([one for one in working if is_flow_run(one)], _RUN_GRACE_S)
    stop("worker", paths)
    end(working, grace_s=5)
    if services["prefect"]:
        # a server that fails must not stop the rest from ending; the next `make up` settles its runs
        with contextlib.suppress(ServiceError, httpx.TransportError):
            settle_runs(paths, load_keys(paths))


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2."""
    try:
        down(load_paths())
    except UserError as error:
        typer.echo(f"make down: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
