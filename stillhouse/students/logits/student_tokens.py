"""The student's tokens: what they spell, and what stands in them for a token that a teacher wrote in another place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stillhouse.students.label_choices import Encode


class StudentTokens:
    """The student's tokenizer as training on a teacher's numbers needs it."""

    def __init__(self, tokenizer: Any, encode: Encode, vocab_size: int) -> None:
        """Take the tokenizer, how it encodes a row, and how many numbers the student gives for a token."""
        self.encode, self.vocab_size = encode, vocab_size
        self._tokenizer = tokenizer
        self._without_space: dict[int, int] = {}

    def text_of(self, ids: Sequence[int]) -> str:
        """Return what tokens spell, without those that end or frame an answer."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def spell_the_same(self, target: Sequence[int], teacher: Sequence[int]) -> bool:
        """Return whether a target, whose last token ends it, and a teacher's tokens spell one text, but for spaces."""
        text = self.text_of(target[:-1]).strip()
        return bool(text) and text == self.text_of(teacher).strip()

    def in_own_tokens(self, ids: Any, logprobs: Any, written: int, wanted: int) -> tuple[Any, Any]:
        """Return a position's numbers where a teacher wrote `written`, and the same text begins with `wanted` here.

        What the one has counts for the other. If the teacher's begins with a space that the target has not, so does
        what each other token has for the same without its space.
        """
        moves_all = self.text_of([written])[:1].isspace() and not self.text_of([wanted])[:1].isspace()
        masses: dict[int, float] = {}
        for one, logprob in zip(ids.tolist(), logprobs.tolist(), strict=True):
            own = wanted if one == written else self._spaceless(one) if moves_all else one
            masses[own] = float(np.logaddexp(masses.get(own, -np.inf), logprob))
        pairs = sorted(masses.items(), key=lambda pair: (-pair[1], pair[0]))
        numbers = np.array([min(number, 0.0) for _, number in pairs], np.float32)
        return np.array([id_ for id_, _ in pairs], np.int32), numbers

    def _spaceless(self, id_: int) -> int:
        """Return the first token of what a token spells behind its space; itself without one."""
        if id_ not in self._without_space:
            text = self.text_of([id_])
            bare = text.lstrip()
            found = self._tokenizer(bare, add_special_tokens=False).input_ids if bare and bare != text else []
            self._without_space[id_] = int(found[0]) if found else id_
        return self._without_space[id_]
