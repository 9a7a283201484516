"""Names the package that this Python lacks, in one line in place of a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.exceptions import Abort
from prefect.states import Failed

from stillhouse.errors import WorkerError

_OURS = ("stillhouse", "tasks", "flows", "deployments")


@contextmanager
def missing_package_named() -> Iterator[None]:
    """Turn an import that fails for want of a package into its name and the remedy.

    Raises:
        WorkerError: a package is missing.
        Abort: the same in a worker's run, whose state says it then.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in _OURS:
            raise
        message = (
            f"The package {error.name!r} is missing in the environment of {sys.executable}. Run `make setup` on that "
            "machine, and start its worker with .venv/control/bin/prefect."
        )
        if run := os.environ.get("PREFECT__FLOW_RUN_ID"):
            _fail(UUID(run), message)
        raise WorkerError(message) from None


def _fail(run: UUID, message: str) -> None:
    # the flow is not there to say it, and Prefect would say no more than that the process ended
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Failed(message=message), force=True)
    raise Abort(message) from None
