"""onnxruntime and tokenizers as encoders use them: one text a run, on one thread. It needs no torch."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from tokenizers import Tokenizer

from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading, one_line

_MOST_TOKENS = 512  # of a tokenizer that states no bound

Vectors = NDArray[np.float32]

# what onnxruntime raises; its classes share no base but Exception
FAILURES = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,
)


def open_tokenizer(path: str, max_tokens: int | None) -> Any:
    """Return the tokenizer of a tokenizer.json, which cuts at `max_tokens` (None: as it says itself) and never pads.

    Raises:
        ModelError: the file can't be read.
    """
    with Loading(f"{path} is no tokenizer", "Fetch it again"):
        tokenizer = Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=max_tokens or (tokenizer.truncation or {}).get("max_length") or _MOST_TOKENS)
    return tokenizer


def open_graph(path: str) -> Any:
    """Return the session of an ONNX file, on one thread of the CPU.

    Raises:
        ModelError: the file can't be read.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # `each` runs texts side by side
    options.log_severity_level = 4  # what matters is raised
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except FAILURES as error:
        raise ModelError(f"{path} is no ONNX model: {one_line(error, 200)}. Fetch it again.") from error


def run_one(session: Any, tokenizer: Any, text: str, output: str) -> Any:
    """Return the graph's `output` for one text, without the dimension of the batch."""
    encoded = tokenizer.encode(text)
    given = {
        "input_ids": encoded.ids,
        "attention_mask": encoded.attention_mask,
        "token_type_ids": encoded.type_ids,
    }
    feed = {one.name: np.asarray([given[one.name]], dtype=np.int64) for one in session.get_inputs()}
    return session.run([output], feed)[0][0]


def each(run: Callable[[str], Vectors], texts: Sequence[str]) -> Vectors:
    """Return what `run` makes of each text, [texts, ...].

    Each text is a run of its own: with 8-bit weights its result would depend on the texts beside it in a batch.
    """
    if len(texts) == 1:
        return run(texts[0])[np.newaxis]
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return np.stack(list(threads.map(run, texts)))
