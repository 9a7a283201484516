"""Takes a student's folder as it is: safetensors that transformers and vLLM load."""

import shutil
from pathlib import Path

from stillhouse.exports.convert import Conversion, Converted
from stillhouse.exports.encoder_files import copy_encoder
from stillhouse.exports.tokenizer_files import copy_tokenizer

# notes of the training
_LEFT_OUT = ("history.jsonl", "measurements.json")


def convert(job: Conversion) -> Converted:
    """Copy the weights with their tokenizer and configuration."""
    weights = sorted(path.name for path in job.student.glob("*.safetensors"))
    if job.kind == "encoder":
        copy_encoder(job.student, job.out, weights)
    else:
        _copy_all(job.student, job.out)
        copy_tokenizer(job.student, job.out)
    return Converted(weights=weights, tools=["transformers", "torch"])


def _copy_all(student: Path, out: Path) -> None:
    for path in sorted(student.iterdir()):
        if path.is_file() and path.name not in _LEFT_OUT:
            shutil.copyfile(path, out / path.name)
