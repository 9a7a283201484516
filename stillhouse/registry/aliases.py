"""The aliases of a model and how they came to be: the content of aliases.json, the one file that is replaced."""

import uuid
from typing import Literal, Self

from pydantic import ConfigDict, Field

from stillhouse.config import StrictModel

Action = Literal["register", "promote", "rollback", "refuse"]


class Move(StrictModel):
    """One change of one alias, or one that a person refused."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    id: str = Field(default_factory=lambda: uuid.uuid4().hex, description="no two moves have the same")
    alias: str
    origin: int | None = Field(alias="from", description="the version that it named before; null: none")
    target: int = Field(alias="to", description="the version that it names now; of a refusal: that it was not to name")
    who: str
    when: str = Field(description="ISO 8601, UTC")
    why: str
    action: Action


class Aliases(StrictModel):
    """Which version each alias names, and every move that led there, the oldest first."""

    model_config = ConfigDict(serialize_by_alias=True)

    schema_version: Literal[1] = 1
    aliases: dict[str, int] = Field({})
    history: tuple[Move, ...] = ()

    def has(self, move: Move) -> bool:
        """Return whether `move` was made."""
        return any(one.id == move.id for one in self.history)

    def after(self, move: Move) -> Self:
        """Return the aliases once `move` is made; a refusal stands in the history alone."""
        moved = {} if move.action == "refuse" else {move.alias: move.target}
        return self.model_copy(update={"aliases": self.aliases | moved, "history": (*self.history, move)})

    def before(self, alias: str) -> int | None:
        """Return the version that a rollback of `alias` leads to: what it named before it was last moved forward.

        A second rollback goes one further back. None if there is nothing to go back to.
        """
        named: list[int] = []
        for move in self.history:
            if move.alias != alias or move.action == "refuse":
                continue
            if move.action == "rollback":
                named.pop()
            else:
                named.append(move.target)
        return named[-2] if len(named) > 1 else None

    def ever(self, alias: str) -> set[int]:
        """Return every version that `alias` named at some time."""
        return {move.target for move in self.history if move.alias == alias and move.action != "refuse"}
