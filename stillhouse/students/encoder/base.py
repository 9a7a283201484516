"""Finds out whether a model is an encoder that a student can be made of, and loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.encoder.files import DESCRIPTIONS, pooling_of
from stillhouse.inference.loading import Loading, load_config
from stillhouse.inference.model_files import check_layers_present, check_model_files

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
_NEEDED = "It must be a folder or hub name of an encoder with config.json, tokenizer.json and *.safetensors weights"
# of a model's rows of token vectors; some are padded to a round number
_LEAST_SHARE_USED = 0.97


def check_encoder(folder: str) -> None:
    """Refuse a folder whose model can't become an encoder student, without loading its weights.

    Raises:
        ModelError: a file is broken or missing, the model is no encoder, or its tokenizer is of another model.
    """
    check_model_files(Path(folder))
    config = load_config(folder)
    check_is_encoder(folder, config)
    check_layers_present(Path(folder), config)
    check_vocabulary(folder, config, load_tokenizer(folder, ""))
    pooling_of(Path(folder))


def load_encoder(base_model: str, revision: str) -> tuple[Any, Any]:
    """Return (encoder in float32, tokenizer) from safetensors, without running code that comes with the model.

    Raises:
        ModelError: the folder or hub name can't be loaded, is no encoder, or lacks weights.
    """
    import torch
    from transformers import AutoModel

    config, tokenizer = load_config(base_model, revision), load_tokenizer(base_model, revision)
    check_is_encoder(base_model, config)
    check_vocabulary(base_model, config, tokenizer)
    with Loading(f"The encoder {base_model!r} can't be loaded", _NEEDED):
        model, loaded = AutoModel.from_pretrained(
            base_model,
            revision=revision or None,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            # torch's fused attention for CPUs loses time on short rows, and the plain one has the plainer graph
            attn_implementation="eager",
            output_loading_info=True,
        )
    # a pooler gives no part of the vector
    if missing := sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler.")):
        raise ModelError(
            f"The weights of the encoder {base_model!r} lack {len(missing)} of its parts, first {missing[0]}: they "
            "belong to another configuration, or a file is missing. Fetch the model's folder again."
        )
    return model, tokenizer


def fetch_descriptions(base_model: str, revision: str) -> Path:
    """Return the folder with what an encoder says of its pooling and length; of a hub's model it is fetched now."""
    if Path(base_model).is_dir():
        return Path(base_model)
    from huggingface_hub import snapshot_download

    with Loading(f"The encoder {base_model!r} can't be fetched", _NEEDED):
        return Path(snapshot_download(base_model, revision=revision or None, allow_patterns=list(DESCRIPTIONS)))


def load_tokenizer(base_model: str, revision: str) -> Any:
    """Return the tokenizer, which is of the fast kind.

    Raises:
        ModelError: there is none, or one that tokenizer.json can't be made of.
    """
    from transformers import AutoTokenizer

    # a tokenizer without a single word would be made of nothing
    if Path(base_model).is_dir() and not any((Path(base_model) / name).is_file() for name in _VOCABULARIES):
        raise ModelError(
            f"No tokenizer for encoder {base_model}: its folder has none of {', '.join(_VOCABULARIES)}. Fetch the "
            "model's whole folder."
        )
    with Loading(f"No tokenizer for encoder {base_model}", "Give its folder all files of the model's tokenizer"):
        found = AutoTokenizer.from_pretrained(base_model, revision=revision or None, trust_remote_code=False)
    if not found.is_fast or found.pad_token_id is None:
        what = "no tokenizer.json" if not found.is_fast else "a tokenizer without a token for padding"
        raise ModelError(f"Encoder {base_model} has {what}, and is served with it. Name another encoder.")
    return found


def check_is_encoder(base_model: str, config: Any) -> None:
    """Raise a ModelError unless the configuration is of a model that reads a text in both directions."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as READ_BOTH_WAYS

    kind = config.model_type
    if kind in READ_BOTH_WAYS and not config.is_encoder_decoder and not getattr(config, "is_decoder", False):
        return
    what = "with a decoder" if kind in READ_BOTH_WAYS else "which writes text"
    raise ModelError(
        f"{base_model} is no encoder: its config.json says model_type {kind!r}, {what}. For student.kind: encoder name "
        "a model such as BERT, RoBERTa or a sentence encoder; for this model set student.kind to causal_lm."
    )


def check_vocabulary(base_model: str, config: Any, tokenizer: Any) -> None:
    """Raise a ModelError unless the tokenizer's tokens are those of the model."""
    tokens = max(tokenizer.get_vocab().values(), default=-1) + 1
    pads = {tokenizer.pad_token_id, config.pad_token_id} - {None}
    if tokens <= config.vocab_size and tokens >= _LEAST_SHARE_USED * config.vocab_size and len(pads) < 2:
        return
    why = f"{tokens:,} tokens, and the model has {config.vocab_size:,}"
    if len(pads) == 2:
        why = f"token {tokenizer.pad_token_id} for padding, and the model has {config.pad_token_id}"
    raise ModelError(
        f"The tokenizer of encoder {base_model} is of another model: it has {why}. Fetch weights and tokenizer from "
        "one place."
    )


def max_tokens(stated: int | None, config: Any, tokenizer: Any, wanted: int) -> int:
    """Return the most tokens of a text that a student reads: at most `wanted`, and what its encoder can.

    `stated` is what the encoder's folder says.
    """
    # RoBERTa and its kin count places from behind the token for padding
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0
    bounds = [
        wanted,
        tokenizer.model_max_length,
        getattr(config, "max_position_embeddings", wanted + offset) - offset,
        stated or wanted,
    ]
    return int(min(bounds))
