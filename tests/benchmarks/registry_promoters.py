"""The promoters of `registry_kills`, as processes of their own that are killed."""

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import ModelError
from stillhouse.registry.registry import ModelRegistry
from tests.support.registry import content

_VERSIONS = "abc"


@dataclass
class Place:
    """A store as promoters reach it, and the folder in which its files can be read."""

    url: str
    files: Path
    own: Path  # for caches and logs
    environment: dict[str, str] = field(default_factory=dict)

    def config(self, who: int) -> StoreConfig:
        """Return the store as promoter `who` has it."""
        endpoint = self.environment.get("AWS_ENDPOINT_URL", "")
        return StoreConfig(url=self.url, endpoint_url=endpoint or None, cache_dir=self.own / f"cache-{who}")


def register(place: Place, model: str) -> None:
    """Register the versions that promoters choose among."""
    os.environ.update(place.environment)
    registry = ModelRegistry(Store(place.config(0)))
    for mark in _VERSIONS:
        registry.register(content(mark, name=model), who="a run")
    registry.promote(model, 1, who="gate", why="the first")


def promote_on(place: Place, model: str, seed: int) -> None:
    """Promote and roll back for ever; note each move that was reported as made."""
    os.environ.update(place.environment)
    rng, registry = random.Random(seed), ModelRegistry(Store(place.config(seed)))
    log = os.open(log_of(place, model, seed), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        try:
            if rng.random() < 0.3:
                move = registry.rollback(model, who=str(seed), why="bad")
            else:
                move = registry.promote(model, 1 + rng.randrange(len(_VERSIONS)), who=str(seed), why="better")
        except ModelError:  # nothing to go back to, or the other has moved it
            continue
        if move:
            os.write(log, f"{move.id}\n".encode())
        time.sleep(rng.uniform(0.0, 0.05))


def log_of(place: Place, model: str, seed: int) -> Path:
    """Return the file in which a promoter notes its moves."""
    return place.own / f"{model}-{seed}.log"
