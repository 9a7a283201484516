"""A GGUF file in llama.cpp: token ids of a text, and logits behind token ids."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from stillhouse.errors import ModelError
from stillhouse.exports.gguf.llama_cpp import Batch, load_llama_cpp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# tokens that are decoded at once
_BATCH = 512
# of the first context; a longer prompt makes a larger one. A cache for all that a model can read would be the largest
# part of its memory
_FEWEST = 512


class GgufModel:
    """One file, loaded; it holds one sequence of tokens at a time."""

    def __init__(self, path: Path, threads: int = 1, *, vocab_only: bool = False) -> None:
        """Load the file; with `vocab_only` it can tokenise and do nothing else.

        Raises:
            ModelError: llama.cpp can't read it.
        """
        self._llama = load_llama_cpp()
        self._c = self._llama.c
        params = self._c.llama_model_default_params()
        params.vocab_only = vocab_only
        # repacked weights would lie in memory beside the file's
        params.use_extra_buffers = False
        self._llama.last_error = ""
        self._model = self._c.llama_model_load_from_file(str(path).encode(), params)
        self._context: int | None = None
        if not self._model:
            raise ModelError(f"llama.cpp can't read {path}: {self._llama.last_error}. Export the student again.")
        self._vocab = self._c.llama_model_get_vocab(self._model)
        self._threads, self._room, self._held = threads, 0, 0
        self.num_tokens = int(self._c.llama_vocab_n_tokens(self._vocab))

    def close(self) -> None:
        """Free the memory; calling it again does nothing."""
        if self._context:
            self._c.llama_free(self._context)
        if self._model:
            self._c.llama_model_free(self._model)
        self._context = self._model = None

    def tokenize(self, rendered: str) -> list[int]:
        """Return the token ids of a text in which special tokens stand as their names; none is put before it."""
        text = rendered.encode()
        ids = (ctypes.c_int32 * (len(text) + 8))()
        count = self._c.llama_tokenize(self._vocab, text, len(text), ids, len(ids), False, True)
        assert count >= 0, "a text has no more tokens than bytes"
        return list(ids[:count])

    def start(self, prompt_ids: Sequence[int]) -> NDArray[np.float32]:
        """Forget what was read, read a prompt, and return the logits of the token behind it, [vocabulary]."""
        self.reserve(len(prompt_ids))
        self._c.llama_memory_clear(self._c.llama_get_memory(self._context), False)
        self._held = 0
        for first in range(0, len(prompt_ids), _BATCH):
            logits = self.read(prompt_ids[first : first + _BATCH])
        return logits

    def read(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Read on, and return the logits of the token behind the last of `ids`, [vocabulary]."""
        return np.asarray(self._decode(ids, all_logits=False)[0])

    def read_each(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Read at most 512 tokens, return the logits behind each of them, [ids, vocabulary], and forget them."""
        before = self._held
        logits = self._decode(ids, all_logits=True)
        self._c.llama_memory_seq_rm(self._c.llama_get_memory(self._context), 0, before, -1)
        self._held = before
        return logits

    def _decode(self, ids: Sequence[int], *, all_logits: bool) -> NDArray[np.float32]:
        if self._held + len(ids) > self._room:
            raise ModelError(f"{self._held + len(ids)} tokens are more than the model can read ({self._room}).")
        tokens = (ctypes.c_int32 * len(ids))(*ids)
        wanted = (ctypes.c_int8 * len(ids))(*([all_logits] * (len(ids) - 1)), True)
        failed = self._c.llama_decode(self._context, Batch(n_tokens=len(ids), token=tokens, logits=wanted))
        if failed:
            raise ModelError(f"llama.cpp could not read {len(ids)} tokens (code {failed}): {self._llama.last_error}.")
        self._held += len(ids)
        places = range(len(ids)) if all_logits else (-1,)
        found = [self._c.llama_get_logits_ith(self._context, place) for place in places]
        return np.stack([np.ctypeslib.as_array(one, (self.num_tokens,)) for one in found])

    def reserve(self, num_tokens: int) -> None:
        """Have room for a sequence of `num_tokens`.

        Raises:
            ModelError: the model was not trained on so many.
        """
        most = int(self._c.llama_model_n_ctx_train(self._model))
        if num_tokens > most:
            raise ModelError(f"{num_tokens} tokens are more than the model can read ({most}). Shorten the prompt.")
        if num_tokens <= self._room:
            return
        if self._context:
            self._c.llama_free(self._context)
        params = self._c.llama_context_default_params()
        self._room = min(most, max(_FEWEST, 1 << (num_tokens - 1).bit_length()))
        params.n_ctx, params.n_batch, params.n_ubatch = self._room, _BATCH, _BATCH
        self._context = self._c.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelError(f"llama.cpp can't run the model: {self._llama.last_error}.")
        self._c.llama_set_n_threads(self._context, self._threads, self._threads)

    @property
    def chat_template(self) -> str | None:
        """The chat template in the file."""
        found = self._c.llama_model_chat_template(self._model, None)
        return found.decode() if found else None

    @property
    def bos_token_id(self) -> int | None:
        """The token before a text; None if the file names none."""
        found = int(self._c.llama_vocab_bos(self._vocab))
        return found if found >= 0 else None

    @property
    def adds_bos(self) -> bool:
        """Whether llama.cpp puts it before a text by itself."""
        return bool(self._c.llama_vocab_get_add_bos(self._vocab))

    @property
    def stop_ids(self) -> frozenset[int]:
        """All tokens at which llama.cpp ends an answer."""
        return frozenset(one for one in range(self.num_tokens) if self._c.llama_vocab_is_eog(self._vocab, one))
