"""Reads a model's configuration and tokenizer, and turns what libraries raise for a broken folder into one line."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.inference.vllm.system_turn import fold_system_turn

# transformers tells whoever imports it without torch, as the control environment does, that it has no models
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
# each was seen for a folder with one broken file
_BROKEN = (
    OSError,  # missing, or no JSON
    ValueError,  # an unknown model_type, no UTF-8, code of the model's own
    TypeError,  # JSON of another shape, such as a list for an object
    AttributeError,  # the same
    LookupError,  # a key that is not there
    ArithmeticError,  # num_attention_heads: 0
    RuntimeError,  # weights of another shape than the configuration's, and what an engine says as it starts
)


class Loading:
    """A context whose block loads a model: whatever fails there is a ModelError of one line."""

    def __init__(self, what_fails: str, advice: str = "") -> None:
        """Begin the line with `what_fails` and end it with `advice`."""
        self._what_fails = what_fails
        self._advice = advice

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the ModelError, if the block raised what loading can raise; all else passes."""
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError

        # the tokenizers library raises Exception itself for a tokenizer.json that it can't parse
        if isinstance(error, (*_BROKEN, StrictDataclassError, SafetensorError)) or kind is Exception:
            advice = f" {self._advice}." if self._advice else ""
            raise ModelError(f"{self._what_fails}: {one_line(error)}.{advice}") from error


def one_line(error: object, limit: int = 300) -> str:
    """Return an error's text in one line of at most `limit` characters, without a full stop; if empty, its type."""
    said = " ".join(str(error).split()).rstrip(".")
    return said[:limit] or type(error).__name__


def load_config(path: str, revision: str = "") -> Any:
    """Return the model's configuration.

    Raises:
        ModelError: it can't be read, or is of a model that needs code of its own.
    """
    from transformers import AutoConfig

    with Loading(f"The configuration of model {path} can't be read", "Mend or replace its config.json"):
        return AutoConfig.from_pretrained(path, revision=revision or None, trust_remote_code=False)


def known_config(path: str, revision: str = "") -> Any | None:
    """Return the model's configuration, of a published model without asking the hub; None if nobody gives it.

    A hub gives that of some models to those alone who accepted its licence.
    """
    published = None if Path(path).is_dir() else PUBLISHED_MODELS.get(path)
    try:
        return published.config() if published else load_config(path, revision)
    except ModelError:
        return None


def load_tokenizer(path: str, revision: str = "") -> Any:
    """Return the model's tokenizer with its chat template, which takes a system turn.

    Raises:
        ModelError: `path` holds no tokenizer.
    """
    from transformers import AutoTokenizer

    with Loading(f"No tokenizer for model {path}", "Give its folder all files of the model's tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision or None, trust_remote_code=False)
    fold_system_turn(tokenizer)
    return tokenizer
