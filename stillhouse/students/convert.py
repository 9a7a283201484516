"""Converts a GGUF file into a checkpoint folder with dequantised weights; training and serving need safetensors.

Command: `python -m stillhouse.students.convert spec.json` (engine environment)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.errors import ModelError
from stillhouse.students.spec import ConvertSpec

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter


def run(spec: ConvertSpec, report: Reporter) -> dict[str, Any]:
    """Write the checkpoint to `spec.out` in bfloat16 and return its parameter count.

    Raises:
        ModelError: the file is missing, or the transformers library can't read it as GGUF.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from stillhouse.students.export import save_student

    path = Path(spec.gguf)
    if not path.is_file():
        raise ModelError(f"No GGUF file at {path}: check the path, or give a checkpoint folder.")
    options: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    quantization = GgufConfig(gguf_file=path.name, dequantize=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            path.parent, quantization_config=quantization, dtype=torch.bfloat16, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **options)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} can't be read as a GGUF model: {error}. Give another file or folder.") from error
    save_student(model, tokenizer, Path(spec.out), "bfloat16")
    report.log(f"{path.name}: {model.num_parameters():,} parameters, dequantised")
    return {"parameters": model.num_parameters()}


if __name__ == "__main__":
    from stillhouse.runtime.worker import serve

    serve(ConvertSpec, run)
