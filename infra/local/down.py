"""Ends all that `make up` started on this machine: `python -m infra.local.down`.

Separate because the order matters: runs first, while server and store still answer, so that a run's end is recorded and
its last answers are stored.
"""

import contextlib
import sys

import httpx
import typer

from infra.local.api import settle_runs
from infra.local.credentials import keep_keys
from infra.local.paths import Places, load_places
from infra.local.processes import end, family, find, forget, is_flow_run, still_alive, trees
from infra.local.state import state_lock
from stillhouse.errors import ServiceError, UserError

_RUN_GRACE_S = 30.0  # a run stores its last answers and says how it ended
_SERVICE_GRACE_S = 10.0


def down(places: Places) -> None:
    """End the worker with its runs, the Prefect server and the S3 server; what is stored stays.

    Raises:
        ServiceError: a process lives on though it was killed.
    """
    with state_lock(places):
        _stop_runs(places)
        for name in ("prefect", "reports", "s3"):
            stop(name, places)
        end(family([], places.state), grace_s=5)
        left = still_alive(family([], places.state))
    if left:
        raise ServiceError(f"These processes could not be ended: {', '.join(str(one.pid) for one in left)}.")


def stop(name: str, places: Places) -> None:
    """End one service and all below it."""
    process = find(name, places.state)
    if process:
        end([process, *process.children(recursive=True)], _SERVICE_GRACE_S)
        typer.echo(f"{name:8} ended")
    forget(name, places.state)


def _stop_runs(places: Places) -> None:
    """End the worker and its runs, also those that lost their worker, while server and store still answer."""
    found = {name: find(name, places.state) for name in ("prefect", "reports", "s3", "worker")}
    servers = trees(one for name, one in found.items() if one and name != "worker")
    working = [one for one in family(filter(None, [found["worker"]]), places.state) if one not in servers]
    end([one for one in working if is_flow_run(one)], _RUN_GRACE_S)
    stop("worker", places)
    end(working, grace_s=5)
    if found["prefect"]:
        # a server that is out of order must not keep the rest alive; the next up settles them
        with contextlib.suppress(ServiceError, httpx.TransportError):
            settle_runs(places, keep_keys(places))


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2."""
    try:
        down(load_places())
    except UserError as error:
        typer.echo(f"make down: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
