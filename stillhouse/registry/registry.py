"""The registry of models in the store: immutable versions, and aliases that one atomic swap moves.

models/<name>/versions/<n>/version.json    written once
models/<name>/aliases.json                 which version is champion, challenger and so on, with all moves
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from stillhouse.artifacts.files import FileStore
from stillhouse.errors import ModelError, did_you_mean
from stillhouse.registry.alias_file import FOLDER, AliasFile, damaged
from stillhouse.registry.aliases import Action, Aliases, Move
from stillhouse.registry.reference import CHAMPION, checked_alias, parse_reference
from stillhouse.registry.version import ModelVersion, VersionContent

_VERSION = re.compile(r"models/([^/]+)/versions/(\d+)/version\.json")


def now_utc() -> str:
    """Return the time as version.json and aliases.json have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ModelRegistry:
    """The models of a store. Every change is seen whole or not at all, also after a kill or beside other writers."""

    def __init__(self, store: FileStore, clock: Callable[[], str] = now_utc) -> None:
        """Use the models of `store`."""
        self._store = store
        self._clock = clock

    def names(self) -> list[str]:
        """Return the names of all models with a version, sorted.

        Raises:
            StoreError: the store can't be read.
        """
        return sorted({found[1] for key in self._store.list(FOLDER) if (found := _VERSION.fullmatch(key))})

    def numbers(self, name: str) -> list[int]:
        """Return the numbers of a model's versions, the oldest first; none of an unknown model.

        Raises:
            StoreError: the store can't be read.
        """
        keys = self._store.list(f"{FOLDER}/{name}/versions")
        return sorted(int(found[2]) for key in keys if (found := _VERSION.fullmatch(key)))

    def versions(self, name: str) -> list[ModelVersion]:
        """Return a model's versions, the oldest first.

        Raises:
            ModelError: there is no such model.
            StoreError: the store can't be read, or a version is damaged.
        """
        return [self._read(name, number) for number in self._known(name)]

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version that each alias of a model names; none of an unknown model.

        Raises:
            StoreError: the store can't be read, or aliases.json is damaged.
        """
        return self._aliases(name).read().aliases

    def history(self, name: str) -> tuple[Move, ...]:
        """Return every move of a model's aliases, the oldest first; none of an unknown model.

        Raises:
            StoreError: the store can't be read, or aliases.json is damaged.
        """
        return self._aliases(name).read().history

    def champion(self, name: str) -> ModelVersion | None:
        """Return the version that `champion` names; None if a model has none, or the version was deleted.

        Raises:
            StoreError: the store can't be read, or a version is damaged.
        """
        number = self.aliases(name).get(CHAMPION)
        return self._read(name, number) if number in self.numbers(name) and number else None

    def find(self, text: str) -> ModelVersion:
        """Return the version that `text` names: NAME@alias or NAME/3, with or without `models:/` before it.

        Raises:
            ModelError: no version is called so, or it was deleted.
            StoreError: the store can't be read, or the version is damaged.
        """
        named = parse_reference(text)
        known, aliases = self._known(named.name), self.aliases(named.name)
        if named.alias and named.alias not in aliases:
            has = ", ".join(sorted(aliases)) or "no alias yet"
            raise ModelError(
                f"model {named.name!r} has no alias {named.alias!r}; it has {has}."
                f"{did_you_mean(named.alias, aliases)} `stillhouse models promote` sets one."
            )
        number = aliases[named.alias] if named.alias else named.version
        return self._read(named.name, self._existing(named.name, number, known, str(named)))

    def register(self, content: VersionContent, *, who: str) -> ModelVersion:
        """Return the version that holds `content`: a new one, or the one that was registered with the same model.

        Raises:
            StoreError: the store can't be read or written.
        """
        while True:
            numbers = self.numbers(content.name)
            for number in reversed(numbers):
                if (found := self._read(content.name, number)).is_same_model(content):
                    return found
            # a number that was deleted is not given again: what named it must not come to mean another model
            used = {move.target for move in self.history(content.name)} | {0, *numbers}
            number = max(used) + 1
            version = ModelVersion(**dict(content), version=number, created_at=self._clock(), created_by=who)
            if self._store.swap(_key(content.name, number), version.model_dump_json(indent=1).encode(), None):
                return version

    def promote(
        self, name: str, version: int, *, alias: str = CHAMPION, who: str, why: str, action: Action = "promote"
    ) -> Move | None:
        """Have `alias` name a version, and return the move; None if it named that version already.

        `action` is what the history calls it.

        Raises:
            ModelError: there is no such model or version, or `alias` is no word.
            StoreError: the store can't be read or written; nothing has moved then.
        """
        checked_alias(alias)
        number = self._existing(name, version, self._known(name), f"{name}/{version}")
        return self._aliases(name).move(alias, lambda _: number, who=who, why=why, action=action)

    def rollback(self, name: str, *, alias: str = CHAMPION, who: str, why: str) -> Move:
        """Have `alias` name the version that it named before, and return the move; again: the one before that.

        Raises:
            ModelError: there is no such model, nothing to go back to, or that version was deleted.
            StoreError: the store can't be read or written; nothing has moved then.
        """
        known, seen = self._known(name), self.aliases(name).get(alias)

        def target(state: Aliases) -> int:
            before = state.before(alias)
            if state.aliases.get(alias) != seen:
                # going back from what nobody here has looked at would undo another's word
                raise ModelError(
                    f"{name}@{alias} was moved meanwhile, by {state.history[-1].who}; look at `stillhouse models show "
                    f"{name}`, and try again if it is still wanted."
                )
            if before is None:
                raise ModelError(
                    f"{name}@{alias} can't be rolled back: it named no other version before. "
                    "`stillhouse models promote` names one."
                )
            return self._existing(name, before, known, f"the version that {name}@{alias} named before")

        move = self._aliases(name).move(alias, target, who=who, why=why, action="rollback")
        assert move is not None, "what an alias named before differs from what it names"
        return move

    def refuse(self, name: str, version: int, *, alias: str = CHAMPION, who: str, why: str) -> Move:
        """Note in the history that a person did not let `alias` name a version, and return the note.

        Raises:
            ModelError: there is no such model or version.
            StoreError: the store can't be read or written.
        """
        number = self._existing(name, version, self._known(name), f"{name}/{version}")
        move = self._aliases(name).move(alias, lambda _: number, who=who, why=why, action="refuse")
        assert move is not None, "a refusal is noted wherever the alias is"
        return move

    def _aliases(self, name: str) -> AliasFile:
        return AliasFile(self._store, name, self._clock)

    def _read(self, name: str, number: int) -> ModelVersion:
        key = _key(name, number)
        try:
            return ModelVersion.model_validate_json(self._store.read_text(key))
        except ValueError as error:
            raise damaged(self._store, key) from error

    def _known(self, name: str) -> list[int]:
        if numbers := self.numbers(name):
            return numbers
        known = self.names()
        has = f"it has {', '.join(known)}" if known else "it has none yet; every finished run registers its student"
        raise ModelError(f"{self._store.config.url} has no model {name!r}; {has}.{did_you_mean(name, known)}")

    def _existing(self, name: str, number: int, known: list[int], called: str) -> int:
        if number in known:
            return number
        what = "it was deleted" if number in {move.target for move in self.history(name)} else "there is none yet"
        have = ", ".join(map(str, known))
        raise ModelError(f"{called}: model {name!r} has no version {number}, {what}; it has {have}.")


def _key(name: str, number: int) -> str:
    return f"{FOLDER}/{name}/versions/{number}/version.json"
