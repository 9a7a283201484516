"""Makes a student one of ONNX Runtime: a language model by onnxruntime-genai's builder, an encoder as it is."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from stillhouse.errors import ModelError
from stillhouse.exports.convert import Conversion, Converted
from stillhouse.exports.encoder_files import copy_encoder
from stillhouse.exports.tokenizer_files import copy_tokenizer
from stillhouse.inference.encoder.label_encoder import GRAPH
from stillhouse.inference.loading import one_line

_BUILDER = "onnxruntime_genai.models.builder"
_GRAPH_FILE = "model.onnx"
_WEIGHTS = (_GRAPH_FILE, f"{_GRAPH_FILE}.data")  # of a small model the graph holds its weights itself


def convert(job: Conversion) -> Converted:
    """Write the graph with its weights; of an encoder the one that training left, which is int8 already.

    Raises:
        ModelError: the builder refuses the model.
        ModuleNotFoundError: the builder is not installed.
    """
    if job.kind == "encoder":
        copy_encoder(job.student, job.out, [GRAPH])
        return Converted(weights=[GRAPH], tools=["onnxruntime"])
    if find_spec("onnxruntime_genai") is None:
        raise ModuleNotFoundError(name="onnxruntime-genai")
    _build(job)
    # the builder writes the tokenizer anew, and leaves out what it does not read
    copy_tokenizer(job.student, job.out)
    weights = [name for name in _WEIGHTS if (job.out / name).is_file()]
    return Converted(weights=weights, tools=["onnxruntime-genai", "onnxruntime"])


def _build(job: Conversion) -> None:
    # a process of its own: it holds the weights several times, and that memory is not given back
    command = [sys.executable, "-m", _BUILDER, "-i", str(job.student), "-o", str(job.out), "-p", job.precision]
    command += ["-e", "cpu", "-c", str(job.work), "--extra_options", "hf_token=false"]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | offline)
    if ended.returncode:
        raise ModelError(
            f"onnxruntime-genai's builder can't convert the student: {one_line(_last_line(ended.stderr))}. Export it "
            "to another format, or leave onnx out of `export`."
        )
    _check(job.out)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _check(out: Path) -> None:
    if missing := [name for name in (_GRAPH_FILE, "genai_config.json") if not (out / name).is_file()]:
        raise ModelError(f"onnxruntime-genai's builder ended without {', '.join(missing)}: is the disk full?")
