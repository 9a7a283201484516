"""Runs a flow in the process of a command: quiet Prefect, one message for an error, and an end on Ctrl-C."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deployments.temporary_server import TemporaryServer, start_early
from stillhouse.errors import RecipeError, UserError
from stillhouse.runtime.settings import Settings, load_settings

_PREFECT_DEFAULTS = {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
    # Prefect's own 20 s are too short for the temporary server on a busy machine
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


@dataclass(frozen=True)
class Foreground:
    """A process that is ready to run a flow: its settings, and the server that it reports to."""

    settings: Settings
    server: TemporaryServer | None  # None: Prefect's settings name one

    def run(self, flow: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
        """Return the result of `flow`.

        Raises:
            UserError: the Prefect server can't be used, or the flow failed.
        """
        # after the environment is set: Prefect reads it on import
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings

        if not self.server:
            return run_flow(flow, **parameters)
        self.server.wait(get_current_settings().server.ephemeral.startup_timeout_seconds)
        # nobody counts the heartbeats of a server that ends with the run, and their thread keeps its end for a second
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return finish_flow(flow, **parameters)


def run_flow(flow: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Return the result of `flow`, on the server that Prefect's settings name.

    Raises:
        UserError: the Prefect server can't be used, or the flow failed.
    """
    # after the environment is set: Prefect reads it on import
    from deployments.prefect_server import prefect_server

    with prefect_server():
        pass  # its refusal is one sentence, the flow's would be a traceback
    return finish_flow(flow, **parameters)


def finish_flow(flow: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Return the result of `flow`, on a server that is known to answer.

    Raises:
        UserError: the flow failed.
    """
    # after the environment is set: Prefect reads it on import
    from prefect import tags

    # the automations of a server select runs by this tag
    with tags("stillhouse"):
        state = flow(**parameters, return_state=True)
    if state.is_failed() or state.is_crashed():
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, UserError) else RecipeError(f"The run did not finish: {state.message}")
    result: dict[str, Any] = state.result()
    return result


def prepare(recipe: str, changes: dict[str, Any], *, is_sweep: bool = False) -> Foreground:
    """Return this process ready for Prefect, after the recipe and the store of a run were checked.

    Prefect takes seconds to load, and its temporary server some more, so a mistake shows before.

    Raises:
        UserError: the recipe is refused, a setting is wrong, or the store can't be used.
    """
    quiet_prefect()
    server = start_early()  # after a mistake it ends with the command
    # after the server's start: they take a second to load
    from stillhouse.artifacts.preflight import check_store
    from stillhouse.recipe.checks.sweep import sweep_of
    from stillhouse.recipe.load import load_recipe

    found = load_recipe(recipe, changes)
    if is_sweep:
        sweep_of(found)
    settings = load_settings()
    check_store(settings.store)
    return Foreground(settings, server if server and _use(server) else None)


def quiet_prefect() -> None:
    """Keep the terminal to Stillhouse's own lines and wait for a slow start; variables that are set stay."""
    if "PREFECT_LOGGING_LEVEL" not in os.environ:
        # the run's own log has Prefect's lines; here the error that ends the run would stand twice
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    # always set: a server's automation marks a tagged run as killed after 90 s without a heartbeat
    os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = "30"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(lambda record: record.name != "stillhouse.worker.output")
    logger = logging.getLogger("stillhouse")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # Prefect would print each line a second time
    logger.propagate = False


def _use(server: TemporaryServer) -> bool:
    """Have Prefect report to the temporary server, unless its settings name another; return whether it does."""
    # after the environment is set: Prefect reads it on import
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url or not settings.server.ephemeral.enabled:
        server.stop()
        return False
    os.environ |= {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": server.login}
    refresh_global_settings_context()
    _end_at_once_on_interrupt()
    return True


def _end_at_once_on_interrupt() -> None:
    """Without a server of the user's own, end on Ctrl-C once the workers have stored what they have.

    The temporary server gets the same signal and ends; Prefect would try for minutes to report the end to it. A second
    Ctrl-C ends at once: guards end the workers then.
    """
    from stillhouse.runtime.process import end_workers

    def end(number: int, frame: object) -> None:
        signal.signal(number, lambda number, frame: os._exit(128 + number))
        os.write(2, b"\nstillhouse: interrupted; the same command again goes on from what is stored.\n")
        os.write(2, b"stillhouse: waiting for answers under way; Ctrl-C again ends at once.\n")
        end_workers()
        os._exit(128 + number)

    # SIGTERM is left to Prefect, which ends a run in good order: its server does not get that signal and lives on
    signal.signal(signal.SIGINT, end)
