"""Tells a Prefect server that a command moved a champion, so that automations hear of it as of a run's."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stillhouse.registry.aliases import Move


def announce(name: str, move: "Move") -> None:
    """Emit the event of a replaced champion to the server of PREFECT_API_URL; nothing without one, or of other aliases.

    Raises:
        ServiceError: the server can't be used; the champion has moved all the same.
    """
    from stillhouse.registry.reference import CHAMPION

    if move.alias != CHAMPION or not os.environ.get("PREFECT_API_URL"):
        return
    from deployments.foreground import quiet_prefect

    quiet_prefect()
    # after the environment is set: Prefect reads it on import
    from prefect.events.worker import EventsWorker

    from deployments.prefect_server import prefect_server
    from tasks.champion_event import announce_champion

    with prefect_server():
        announce_champion(name, move)
        # the command ends now, and the event goes by a thread
        EventsWorker.drain_all(timeout=10)
