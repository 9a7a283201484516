"""Prompts of an exported language model, by the tokenizer and the chat template of its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.data.row import Messages
from stillhouse.errors import DataError
from stillhouse.inference.loading import load_config, load_tokenizer
from stillhouse.inference.vllm.request import adds_bos, render, shows_special_tokens, tokenize
from stillhouse.students.base_model import ordered_stops
from stillhouse.students.generation_config import read_generation_config


class Renderer:
    """A folder's tokenizer, template and stop tokens."""

    def __init__(self, folder: Path) -> None:
        """Read them.

        Raises:
            ModelError: one of them can't be read.
        """
        self.tokenizer: Any = load_tokenizer(str(folder))
        config = load_config(str(folder))
        stops = ordered_stops(read_generation_config(str(folder), config), self.tokenizer)
        self.stop_id, self.stop_ids = stops[0], frozenset(stops)
        self.adds_bos = adds_bos(self.tokenizer)  # before a plain text; a template places it by itself
        self._most = getattr(config, "max_position_embeddings", None)
        self._with_special_tokens = shows_special_tokens(self.tokenizer)

    def render(self, messages: Messages) -> str:
        """Return the text of a prompt.

        Raises:
            ModelError: the chat template refuses the turns.
        """
        return render(self.tokenizer, messages)

    def token_ids(self, rendered: str, room: int = 0) -> tuple[int, ...]:
        """Return the token ids of a rendered prompt with room for so many tokens behind it.

        Raises:
            DataError: the model reads fewer.
        """
        ids = tokenize(self.tokenizer, rendered)
        if self._most and len(ids) + room > self._most:
            raise DataError(
                f"The prompt has {len(ids)} tokens and its answer needs {room}; the model reads {self._most} in all. "
                "Shorten the prompt."
            )
        return ids

    def decode(self, written: Sequence[int]) -> str:
        """Return the text of a completion without the stop token that ended it."""
        ended = bool(written) and written[-1] in self.stop_ids
        kept = list(written[:-1] if ended else written)
        return str(self.tokenizer.decode(kept, skip_special_tokens=not self._with_special_tokens))
