"""Promotion from Prefect's page: a version of a model becomes its champion, by a person's word."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from stillhouse.artifacts.store import open_store
from stillhouse.errors import ModelError
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import join_prefect
from tasks.promote import move_champion


@flow(name="promote", flow_run_name="promote-{model}", persist_result=False, result_serializer=PLAIN_JSON)
@one_line_errors("promote")
def promote(
    model: Annotated[str, Field(min_length=1)],
    who: Annotated[str, Field(min_length=1)],
    why: str = "",
) -> dict[str, Any]:
    """Make a registered version the champion of its name, whatever its gate said.

    Args:
        model: the version, as NAME@challenger or NAME/3
        who: your name, for the model's history
        why: your reason, for the model's history

    Raises:
        ModelError: there is no such version, or nobody is named.
        StoreError: the store can't be read or written; the champion stays then.
    """
    join_prefect()
    if not who.strip():
        raise ModelError("who is empty; a promotion is kept with the name of whoever asked for it.")
    store = open_store(load_settings().store)
    version = ModelRegistry(store).find(model)
    move_champion(store, version, who=who.strip(), why=why.strip() or "promoted in Prefect")
    return {"model": version.reference}
