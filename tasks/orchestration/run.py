"""What one pipeline run carries from stage to stage: recipe, settings, and the books of what was built or found.

Separate because every verb needs it and none owns it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect.logging.handlers import APILogHandler

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.config import identity as identity_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.log_filter import hide_user_tracebacks
from stillhouse.runtime.orphan_guard import guard_ephemeral_server
from stillhouse.runtime.settings import Settings
from tasks.orchestration.stage import Stage, StageResult


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


def join_prefect() -> None:
    """Send Stillhouse's log lines to the run's log in Prefect, and have a temporary server end with this process."""
    guard_ephemeral_server()
    hide_user_tracebacks()
    logger = logging.getLogger("stillhouse")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
        logger.addHandler(APILogHandler())
