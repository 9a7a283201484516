"""An encoder student of real size with a head of random numbers: its answers mean nothing, its times are real.

.venv/engine/bin/python -m tests.benchmarks.serving.encoder_student FOLDER
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stillhouse.repository import ROOT

ENCODER = ROOT / ".models" / "all-MiniLM-L6-v2-int8"
LABELS = tuple(f"label {number}" for number in range(12))


def write_student(folder: Path) -> None:
    """Write an encoder's graph with a mean over its tokens and a linear head, as training exports one."""
    (source,) = [path for path in ENCODER.glob("**/*.onnx")][:1]
    model = onnx.load(source)
    graph = model.graph
    vectors = graph.output[0].name
    size = graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    head = np.random.default_rng(0).normal(size=(size, len(LABELS))).astype(np.float32)
    graph.initializer.append(numpy_helper.from_array(head, "head"))
    graph.initializer.append(numpy_helper.from_array(np.asarray([1], dtype=np.int64), "over_tokens"))
    if model.opset_import[0].version >= 18:
        mean = helper.make_node("ReduceMean", [vectors, "over_tokens"], ["mean"], keepdims=0)
    else:
        mean = helper.make_node("ReduceMean", [vectors], ["mean"], axes=[1], keepdims=0)
    graph.node.extend([mean, helper.make_node("MatMul", ["mean", "head"], ["logits"])])
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", len(LABELS)]))
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "onnx" / "model_quantized.onnx")
    shutil.copyfile(next(ENCODER.glob("**/tokenizer.json")), folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps({"id2label": {str(at): name for at, name in enumerate(LABELS)}}))


if __name__ == "__main__":
    write_student(Path(sys.argv[1]))
