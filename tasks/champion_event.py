"""Says in Prefect that a model has another champion, for automations that export, test or tell."""

from prefect.events import emit_event
from prefect.settings import get_current_settings

from stillhouse.registry.aliases import Move

CHAMPION_REPLACED = "stillhouse.champion.replaced"
ANY_MODEL = "stillhouse.model.*"  # the resource of each event is one


def announce_champion(name: str, move: Move) -> None:
    """Emit an event about the model `name`, whose champion `move` replaced; without a server nobody would hear it."""
    if not get_current_settings().api.url:
        return
    emit_event(
        CHAMPION_REPLACED,
        resource={"prefect.resource.id": f"stillhouse.model.{name}", "prefect.resource.name": name},
        payload={
            "model": f"{name}/{move.target}",
            "before": f"{name}/{move.origin}" if move.origin else "",
            "who": move.who,
            "why": move.why,
            "action": move.action,
        },
    )
