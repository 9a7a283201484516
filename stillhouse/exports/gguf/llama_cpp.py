"""llama.cpp's C interface, in the library that the package xllamacpp ships.

xllamacpp's own interface is a server: it gives the probabilities of the likeliest tokens, not those of named ones.
"""

import ctypes
import functools
import importlib.util
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_float, c_int8, c_int32, c_uint32, c_void_p
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError

# structures are passed by value: what a later llama.cpp appends must have room
_ROOM = c_int8 * 256
_ERROR = 4


class ModelParams(Structure):
    """llama_model_params."""

    _fields_ = (
        ("devices", c_void_p),
        ("buffer_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int32),
        ("main_gpu", c_int32),
        ("load_mode", c_int32),
        ("unused", c_int32),
        ("tensor_split", c_void_p),
        ("progress", c_void_p),
        ("progress_data", c_void_p),
        ("overrides", c_void_p),
        ("vocab_only", c_bool),
        ("check_tensors", c_bool),
        ("use_extra_buffers", c_bool),
        ("room", _ROOM),
    )


class ContextParams(Structure):
    """llama_context_params, as far as it is set here."""

    _fields_ = (
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("room", _ROOM),
    )


class Batch(Structure):
    """llama_batch; without positions the tokens follow those that the context holds."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", c_void_p),
        ("pos", c_void_p),
        ("n_seq_id", c_void_p),
        ("seq_id", c_void_p),
        ("logits", POINTER(c_int8)),
    )


_LOG = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
# name: (result, arguments)
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_backend_init": (None, ()),
    "llama_log_set": (None, (_LOG, c_void_p)),
    "llama_model_default_params": (ModelParams, ()),
    "llama_context_default_params": (ContextParams, ()),
    "llama_model_load_from_file": (c_void_p, (c_char_p, ModelParams)),
    "llama_model_free": (None, (c_void_p,)),
    "llama_model_get_vocab": (c_void_p, (c_void_p,)),
    "llama_model_n_ctx_train": (c_int32, (c_void_p,)),
    "llama_model_chat_template": (c_char_p, (c_void_p, c_char_p)),
    "llama_init_from_model": (c_void_p, (c_void_p, ContextParams)),
    "llama_free": (None, (c_void_p,)),
    "llama_set_n_threads": (None, (c_void_p, c_int32, c_int32)),
    "llama_get_memory": (c_void_p, (c_void_p,)),
    "llama_memory_clear": (None, (c_void_p, c_bool)),
    "llama_memory_seq_rm": (c_bool, (c_void_p, c_int32, c_int32, c_int32)),
    "llama_decode": (c_int32, (c_void_p, Batch)),
    "llama_get_logits_ith": (POINTER(c_float), (c_void_p, c_int32)),
    "llama_vocab_n_tokens": (c_int32, (c_void_p,)),
    "llama_vocab_bos": (c_int32, (c_void_p,)),
    "llama_vocab_get_add_bos": (c_bool, (c_void_p,)),
    "llama_vocab_is_eog": (c_bool, (c_void_p, c_int32)),
    "llama_tokenize": (c_int32, (c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool)),
}


class LlamaCpp:
    """The library, loaded: `c` has its functions, `last_error` the last line that it called an error."""

    def __init__(self, path: Path) -> None:
        """Load it, and have it write nothing.

        Raises:
            ModelError: it is of a llama.cpp whose structures are others.
        """
        self.last_error = ""
        self.c = ctypes.CDLL(str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self.c, name, None)
            if function is None:
                raise _unlike(f"it has no {name}")
            function.restype, function.argtypes = result, arguments
        # kept: the library calls it as long as it lives
        self._log = _LOG(self._keep_error)
        self.c.llama_log_set(self._log, None)
        self.c.llama_backend_init()
        self._check_layout()

    def _keep_error(self, level: int, text: bytes, _: Any) -> None:
        if level == _ERROR:
            self.last_error = text.decode(errors="replace").strip()

    def _check_layout(self) -> None:
        """Compare what a structure holds by default with what llama.cpp documents: other places give other values."""
        model, context = self.c.llama_model_default_params(), self.c.llama_context_default_params()
        found = (model.n_gpu_layers, model.vocab_only, model.check_tensors, model.use_extra_buffers)
        if found != (-1, False, False, True):
            raise _unlike("its model parameters lie elsewhere")
        if (context.n_ctx, context.n_batch, context.n_ubatch, context.n_seq_max) != (512, 2048, 512, 1):
            raise _unlike("its context parameters lie elsewhere")


def _unlike(what: str) -> ModelError:
    return ModelError(f"The installed xllamacpp is of a llama.cpp that is not known here: {what}. Run `make export`.")


def _package() -> Path:
    # the package itself is not imported: of it nothing but the library is needed
    found = importlib.util.find_spec("xllamacpp")
    if found is None or not found.origin:
        raise ModuleNotFoundError("No module named 'xllamacpp'", name="xllamacpp")
    return Path(found.origin).parent


# as an import would: where the package is missing, so is this module
_PACKAGE = _package()


@functools.cache
def load_llama_cpp() -> LlamaCpp:
    """Return the library; it is loaded once.

    Raises:
        ModelError: its llama.cpp is another than the pinned one.
    """
    path = next(_PACKAGE.glob("xllamacpp*.so"), None)
    if path is None:
        raise _unlike("its library is missing")
    return LlamaCpp(path)
