"""Writes a student with random weights: the shape of Phi-3.5-mini with fewer layers, and a given tokenizer.

Command: `python -m infra.gpu_check.make_student spec.json` (engine environment)
"""

from typing import Any

from stillhouse.config import StrictModel
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.runtime.worker import Reporter, serve

SHAPE = PUBLISHED_MODELS["microsoft/Phi-3.5-mini-instruct"].shape


class StudentSpec(StrictModel):
    """What to write, and where."""

    tokenizer: str  # folder of a checkpoint
    layers: int
    out: str


def run(spec: StudentSpec, report: Reporter) -> dict[str, Any]:
    """Write the checkpoint in bfloat16, and return how many parameters it has."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = load_tokenizer(spec.tokenizer)
    own = {
        "num_hidden_layers": spec.layers,
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(0)
    make: Any = AutoModelForCausalLM
    model = make.from_config(AutoConfig.for_model("phi3", **{**SHAPE, **own}), dtype=torch.bfloat16)
    report.log(f"{spec.layers} layers, {model.num_parameters()} parameters")
    model.save_pretrained(spec.out)
    tokenizer.save_pretrained(spec.out)
    return {"parameters": model.num_parameters()}


if __name__ == "__main__":
    serve(StudentSpec, run)
