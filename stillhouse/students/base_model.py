"""Loads the model that a student is made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading, load_config, load_tokenizer

_NEEDED = (
    "It must be a folder or hub name of a causal language model with config.json, a tokenizer and *.safetensors "
    "weights; models that need their own code are refused"
)


def load_base(base_model: str, revision: str, *, weights: str = "float32", in_4_bits: bool = False) -> tuple[Any, Any]:
    """Return (model, tokenizer) from safetensors, without running code that comes with the model.

    Args:
        base_model: folder or hub name.
        revision: of a hub's model.
        weights: torch's name of the number type that the weights are held in.
        in_4_bits: hold the linear layers in 4 bits, on this process's GPU if it has one; the others as `weights`.

    Raises:
        ModelError: the folder or hub name can't be loaded, or lacks weights that its configuration asks for.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    is_local = Path(base_model).is_dir()
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": is_local}
    if revision and not is_local:
        options["revision"] = revision
    revision = options.get("revision", "")
    config = load_config(base_model, revision)
    with Loading(f"The base model {base_model!r} can't be loaded", _NEEDED):
        # some models that see have no class of the language model alone
        is_text = type(config) in AutoModelForCausalLM._model_mapping
        kind = AutoModelForCausalLM if is_text else AutoModelForImageTextToText
        if in_4_bits:
            options |= _four_bits()
        model, loaded = kind.from_pretrained(
            base_model, dtype=getattr(torch, weights), use_safetensors=True, output_loading_info=True, **options
        )
    if missing := sorted(loaded["missing_keys"]):
        raise ModelError(
            f"The weights of the base model {base_model!r} lack {len(missing)} of its parts, first {missing[0]}: "
            "they belong to another configuration, or a file is missing. Fetch the model's folder again."
        )
    tokenizer = load_tokenizer(base_model, revision)
    model.generation_config = greedy_config(model.generation_config, tokenizer)
    return model, tokenizer


def _four_bits() -> dict[str, Any]:
    """Return how transformers loads a model for QLoRA: arXiv:2305.14314, with its NF4 and double quantisation."""
    import torch
    from transformers import BitsAndBytesConfig

    made: Any = BitsAndBytesConfig
    quantization = made(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    # each of several processes has a GPU of its own
    device = int(os.environ.get("LOCAL_RANK", 0)) if torch.cuda.is_available() else "cpu"
    return {"quantization_config": quantization, "device_map": {"": device}}


def greedy_config(declared: Any, tokenizer: Any) -> Any:
    """Return a generation configuration with the special tokens alone, and every token that ends an answer.

    A base model's own may say how to sample, in ways that saving refuses. The student is measured greedily, and
    without penalties.
    """
    from transformers import GenerationConfig

    stops = ordered_stops(declared, tokenizer)
    made: Any = GenerationConfig
    return made(
        bos_token_id=declared.bos_token_id,
        eos_token_id=stops[0] if len(stops) == 1 else stops or None,
        pad_token_id=declared.pad_token_id,
    )


def ordered_stops(declared: Any, tokenizer: Any) -> list[int]:
    """Return the token ids on which decoding ends: those that the generation configuration has, and the tokenizer's."""
    eos = declared.eos_token_id
    several = [*(eos if isinstance(eos, list | tuple) else [eos]), tokenizer.eos_token_id]
    return list(dict.fromkeys(token for token in several if token is not None))
