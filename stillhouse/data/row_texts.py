"""The texts of many rows, cut into what is asked, what was said before, and the system prompt.

Two rows are near only if they are in each part: a long system prompt that all share makes no two questions alike, and
a question asked again under another prompt or after other replies is another row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stillhouse.data.token_table import Flags, Hashes, Ints, Tokens, TokenTable
from stillhouse.data.tokens import token_lists

Turns = list[tuple[str, str]]

_ROLES = {"user": 1, "assistant": 2, "tool": 3}
_TEMPLATE_WORDS = 8  # a run of so many words in many rows is a template
_TEMPLATE_SHARE = 0.01
_TEMPLATE_ROWS = 20  # and no fewer than this, since a few near-duplicates share runs too
_SAMPLE = 20_000


class RowTexts:
    """Collects the texts of rows."""

    def __init__(self, scratch: Path | None = None) -> None:
        """Start without a row; `scratch` is the folder for files while the rows are worked on, None the system's."""
        self._scratch = scratch
        self._asked, self._others, self._system = (Tokens(scratch) for _ in range(3))

    def add(self, dialogues: Sequence[Turns]) -> None:
        """Append rows, given as their turns of (role, content)."""
        if all([len(turns) == 1 for turns in dialogues]):  # the usual rows
            self._asked.add([turns[0][1] for turns in dialogues])
            self._others.add_blank(len(dialogues))
            self._system.add_blank(len(dialogues))
            return
        asked, others, system = [], [], []
        for turns in dialogues:
            at = asked_turn(turns)
            asked.append(turns[at][1] if turns else "")
            others.append(
                [(_ROLES.get(role, 4), text) for role, text in turns[:at] + turns[at + 1 :] if role != "system"]
            )
            system.append("\n".join([text for role, text in turns[:at] if role == "system"]))
        self._asked.add(asked)
        self._others.add_turns(others)
        self._system.add(system)

    def seal(self) -> "TextTables":
        """Return the tables of all rows added, which replace this object."""
        asked = self._asked.seal()
        tables = [table for table in (self._others.seal(), self._system.seal()) if len(table.flat)]
        return TextTables(asked, without_templates(asked, self._scratch), tuple(tables), self._scratch)


def asked_turn(turns: Turns) -> int:
    """Return the place of the turn that a row is about: the user's last, or the last if there is none."""
    return next((at for at in range(len(turns) - 1, -1, -1) if turns[at][0] == "user"), len(turns) - 1)


@dataclass(frozen=True)
class TextTables:
    """Sealed `RowTexts`; row i is text i of each table."""

    asked: TokenTable
    own: TokenTable  # what is asked, without the templates that many rows share
    others: tuple[TokenTable, ...]  # the other turns and the system prompts; only where any row has some
    scratch: Path | None = None  # the folder for files while these are worked on; None: the system's

    @property
    def spoken(self) -> tuple[TokenTable, ...]:
        """The turns that a leak may stand in: a system prompt is no test question."""
        return (self.asked, *(table for table in self.others if table.has_turns))

    def near(self, left: Ints, right: Ints, threshold: float) -> Flags:
        """Return whether rows left[i] and right[i] are alike in each part, for each i."""
        near = np.ones(len(left), bool)
        for table in dict.fromkeys((self.own, self.asked, *self.others)):
            open_pairs = np.flatnonzero(near)
            near[open_pairs] = table.jaccard(left[open_pairs], right[open_pairs]) >= threshold - 1e-9
        return near


def without_templates(table: TokenTable, scratch: Path | None) -> TokenTable:
    """Return `table` without the runs of words that many rows share; a text of nothing else keeps them."""
    count = len(table.offsets) - 1
    templates = _templates(table, np.arange(0, count, max(1, count // _SAMPLE)))
    if not len(templates):
        return table
    left_over = Tokens(scratch)
    for runs in table.runs(np.arange(count), _TEMPLATE_WORDS):
        kept = ~covered(runs.starts, runs.ends, np.isin(runs.hashes, templates), len(runs.flat))
        owners = np.repeat(np.arange(len(runs.offsets) - 1), np.diff(runs.offsets))
        left = np.bincount(owners[kept], minlength=len(runs.offsets) - 1)
        kept |= (left == 0)[owners]
        lengths = np.bincount(owners[kept], minlength=len(runs.offsets) - 1)
        left_over.append(runs.flat[kept].astype(np.uint32), lengths)
    found = left_over.seal()
    return TokenTable(found.flat, found.offsets, table.has_characters)


def _templates(table: TokenTable, sample: Ints) -> Hashes:
    frames = [pl.DataFrame({"run": runs.hashes, "row": runs.rows}) for runs in table.runs(sample, _TEMPLATE_WORDS)]
    if not frames:
        return np.empty(0, np.uint64)
    counts = pl.concat(frames).group_by("run").agg(pl.col("row").n_unique())
    common = counts.filter(pl.col("row") > max(_TEMPLATE_ROWS, _TEMPLATE_SHARE * len(sample)))
    return np.asarray(common["run"].to_numpy(), dtype=np.uint64)


def covered(starts: Ints, ends: Ints, chosen: Flags, length: int) -> Flags:
    """Return which of `length` tokens lie in one of the chosen spans."""
    edges = np.bincount(starts[chosen], minlength=length + 1) - np.bincount(ends[chosen], minlength=length + 1)
    return np.asarray(np.cumsum(edges[:length]) > 0)


def spoken_tokens(turns: Turns, part: int) -> list[str]:
    """Return the tokens of a row in the table `part` of `spoken`, with an empty one before each turn of the others."""
    at = asked_turn(turns)
    if part == 0:
        return list(token_lists([turns[at][1]])[0])
    texts = [text for role, text in turns[:at] + turns[at + 1 :] if role != "system"]
    return [token for tokens in token_lists(texts) for token in ("", *tokens)]
