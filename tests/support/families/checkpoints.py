"""Writes a family's smallest checkpoint with random weights, in the engine environment."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from tests.support.families.families import Family


def template_of(family: Family) -> str | None:
    """Return the family's chat template."""
    if not family.template or not family.template.endswith(".jinja"):
        return family.template
    trl = importlib.util.find_spec("trl")
    assert trl
    assert trl.origin
    return (Path(trl.origin).parent / "chat_templates" / family.template).read_text()


def write_checkpoint(family: Family, folder: Path) -> None:
    """Write configuration, weights, tokenizer and what else the family's repositories hold."""
    from tests.support.families import tokenizers

    tokenizer = family.tokenizer()
    names: dict[str, Any] = {"tokenizer_class": family.tokenizer_class, "eos_token": family.eos}
    names |= {"bos_token": family.bos} if family.bos else {}
    names |= {"unk_token": "<unk>"} if tokenizer.token_to_id("<unk>") is not None else {}
    tokenizers.save(tokenizer, folder, template_of(family), names)
    torch.manual_seed(0)
    config = _config(family, tokenizer)
    # as published: of a model that sees, the whole
    is_whole = family.has_processor
    model = (AutoModelForImageTextToText if is_whole else AutoModelForCausalLM).from_config(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            # large enough that an answer depends on its prompt
            torch.nn.init.normal_(parameter, std=0.2)
    model.to(torch.bfloat16).save_pretrained(folder)
    generation = {"eos_token_id": [tokenizer.token_to_id(token) for token in family.stops], **family.generation}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    if family.has_processor:
        _write_processor(family, folder)


def _config(family: Family, tokenizer: Any) -> Any:
    own = {"vocab_size": tokenizer.get_vocab_size(), "eos_token_id": tokenizer.token_to_id(family.eos)}
    own |= {"bos_token_id": tokenizer.token_to_id(family.bos) if family.bos else None}
    own = {"pad_token_id": own["eos_token_id"], **own}
    sizes = dict(family.config)
    if "text_config" in sizes:
        ids = {"image_token_index": "<image_soft_token>", "image_token_id": "<|image_pad|>"}
        ids |= {"video_token_id": "<|video_pad|>", "vision_start_token_id": "<|vision_start|>"}
        ids |= {"vision_end_token_id": "<|vision_end|>"}
        found = {name: tokenizer.token_to_id(token) for name, token in ids.items()}
        return AutoConfig.for_model(
            family.model_type,
            **sizes | {"text_config": sizes["text_config"] | own},
            **{name: value for name, value in found.items() if value is not None},
        )
    return AutoConfig.for_model(family.model_type, **own | sizes | {"eos_token_id": own["eos_token_id"]})


def _write_processor(family: Family, folder: Path) -> None:
    kinds = {
        "gemma3": ("Gemma3ImageProcessor", "Gemma3Processor"),
        "qwen3_5": ("Qwen2VLImageProcessor", "Qwen3VLProcessor"),
    }
    images, processor = kinds[family.model_type]
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": images, "processor_class": processor, "size": {"height": 56, "width": 56}})
    )
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": processor, "image_seq_length": 4}))
