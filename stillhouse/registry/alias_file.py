"""A model's aliases.json, which a swap of the store replaces as a whole."""

import random
import time
from collections.abc import Callable

from pydantic import ValidationError

from stillhouse.artifacts.files import FileStore
from stillhouse.errors import StoreError
from stillhouse.registry.aliases import Action, Aliases, Move

FOLDER = "models"


class AliasFile:
    """The file of one model."""

    def __init__(self, store: FileStore, name: str, clock: Callable[[], str]) -> None:
        """Use the file of the model `name`; it need not be there."""
        self._store = store
        self._clock = clock
        self._key = f"{FOLDER}/{name}/aliases.json"

    def read(self) -> Aliases:
        """Return the aliases; none of a model without the file.

        Raises:
            StoreError: the store can't be read, or the file is damaged.
        """
        return self._stamped()[0]

    def move(self, alias: str, target: Callable[[Aliases], int], *, who: str, why: str, action: Action) -> Move | None:
        """Have `alias` name what `target` makes of the aliases, once no other writer comes between.

        Returns the move; None if `alias` named that version already.

        Raises:
            StoreError: the store can't be read or written; nothing has moved then.
        """
        made: Move | None = None
        while True:
            state, stamp = self._stamped()
            if made and state.has(made):
                return made  # it was put, its answer was lost, and another writer has been there since
            origin, number = state.aliases.get(alias), target(state)
            if origin == number and action != "refuse":
                return None
            made = Move(alias=alias, origin=origin, target=number, who=who, when=self._clock(), why=why, action=action)
            if self._store.swap(self._key, state.after(made).model_dump_json(indent=1).encode(), stamp):
                return made
            time.sleep(random.uniform(0.02, 0.2))

    def _stamped(self) -> tuple[Aliases, str | None]:
        """Return the aliases and the version of their file, None if there is no file."""
        found = self._store.versioned(self._key)
        if found is None:
            return Aliases(), None
        try:
            return Aliases.model_validate_json(found[0]), found[1]
        except ValidationError as error:
            raise damaged(self._store, self._key) from error


def damaged(store: FileStore, key: str) -> StoreError:
    """Return the error of a file of the registry that can't be read as what it is."""
    return StoreError(
        f"{key} in {store.config.url} is damaged, or was written by a newer Stillhouse: restore it from a copy, or use "
        "that version."
    )
