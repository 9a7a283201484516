"""What one pipeline run carries from stage to stage: recipe, settings, and the books of what was built or found.

Separate because every verb needs it and none owns it.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run

from tasks.artifacts.fingerprint import fingerprint
from tasks.artifacts.probe import probe
from tasks.artifacts.ref import ArtifactRef
from tasks.artifacts.store import Store, open_store
from tasks.costs.tariff import tariff_of
from tasks.engines.model import identify
from tasks.recipe.base import identity as identity_of
from tasks.recipe.errors import RecipeError
from tasks.recipe.recipe import Recipe
from tasks.runtime.guard import guard_ephemeral_server
from tasks.runtime.logging import hide_user_tracebacks
from tasks.runtime.settings import Settings
from tasks.stage import Stage, StageResult
from tasks.teachers.api.key import read_key


@dataclass
class Run:
    """One run of one recipe."""

    recipe: Recipe
    settings: Settings
    refresh: frozenset[str]
    id: str
    results: dict[str, StageResult] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The artifact store."""
        return open_store(self.settings.store)

    def build(
        self,
        stage: Stage,
        inputs: Mapping[str, ArtifactRef],
        identity: Mapping[str, Any],
        *,
        label: str = "",
        **execution: Any,
    ) -> ArtifactRef:
        """Return the artifact of one stage call, cached or built now, and note it under `label`."""
        label = label or stage.name
        result = stage.run(
            inputs,
            identity_of(dict(identity)),
            self.settings,
            label=label,
            refresh=self._refreshes(stage, label),
            **execution,
        )
        self.results[label] = result
        return result.ref

    def would_build(self, stage: Stage, inputs: Mapping[str, ArtifactRef], identity: Mapping[str, Any]) -> bool:
        """Return whether `build` would build the stage's artifact now, and not find it."""
        key = fingerprint(stage.name, stage.version, identity_of(dict(identity)), inputs)
        return self._refreshes(stage, stage.name) or self.store.find(stage.name, key) is None

    def _refreshes(self, stage: Stage, label: str) -> bool:
        return stage.name in self.refresh or label in self.refresh

    def summary(self, label: str) -> dict[str, Any]:
        """Return the summary of the stage noted under `label`."""
        return self.results[label].summary


def start_run(recipe: Recipe, settings: Settings, refresh: Sequence[str]) -> Run:
    """Return a new run, after a probe of the store: Prefect takes an unreachable store for a cache miss.

    Raises:
        StoreError: the store can't be used.
        ModelError: a teacher, the judge or the student's base is not there.
        RecipeError: the key of an endpoint is not set, or a budget in dollars has no price to count with.
    """
    probe(settings.store)
    _check_price(recipe)
    # a model that is not there, or may not be asked, must not show after an hour of other work
    for asked in recipe.asked.values():
        if asked.endpoint:
            read_key(asked.endpoint, os.environ)
        else:
            identify(asked.model, asked.revision, settings.model_hashes)
    identify(recipe.student.model, recipe.student.revision, settings.model_hashes)
    return Run(recipe=recipe, settings=settings, refresh=frozenset(refresh), id=_run_id(recipe.name))


def _check_price(recipe: Recipe) -> None:
    for place, asked in recipe.asked.items():
        if recipe.budget.usd is not None and not tariff_of(asked, recipe.costs).is_known:
            raise RecipeError(
                f"budget.usd: {recipe.budget.usd:g} can't be held, since no price of {asked.model} is known. Set "
                f"{place}.price or costs.teacher_usd_per_hour, or limit budget.tokens or budget.hours "
                "instead."
            )


def join_prefect() -> None:
    """Send Stillhouse's log lines to the run's log in Prefect, and have a temporary server end with this process."""
    guard_ephemeral_server()
    hide_user_tracebacks()
    logger = logging.getLogger("stillhouse")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
        logger.addHandler(APILogHandler())


def _run_id(name: str) -> str:
    # a retry of a Prefect run is the same run, and overwrites its own folder
    unique = str(flow_run.get_id() or uuid4())[:8]
    started = flow_run.get_scheduled_start_time() or datetime.now(UTC)
    return f"{name}-{started:%Y%m%d-%H%M%S}-{unique}"
