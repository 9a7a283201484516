"""A student of four words and three labels as it is served, with logits to calculate by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.manifest import Manifest, write_manifest
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.teacher import Teacher
from stillhouse.serving.record import ServingRecord, write_record
from stillhouse.serving.spec import ServeSpec
from stillhouse.skills.classification import Classification
from tests.support.onnx_file import write_label_graph

LABELS = ("billing", "delivery", "returns")
WORDS = {"[UNK]": 0, "invoice": 1, "parcel": 2, "refund": 3}
# of the words, for the labels: the last word speaks for two
LOGITS = np.asarray([[0, 0, 0], [4, 0, 0], [0, 3, 0], [1, 0, 2]], dtype=np.float32)
TEMPERATURE = 2.0


def record(**changes: Any) -> ServingRecord:
    """Return the student's record."""
    fields: dict[str, Any] = {
        "model": "tickets",
        "role": ModelRole.STUDENT,
        "kind": "encoder",
        "skill": Classification(),
        "labels": LABELS,
        "temperature": TEMPERATURE,
        "threshold": 0.5,
        "max_prompt_chars": 200,
        "max_tokens": 16,
        "dtype": "bfloat16",
        "engine": Engine(),
        "teacher": Teacher(model="teacher"),
    }
    return ServingRecord(**(fields | changes))


def write_student(folder: Path, **changes: Any) -> Path:
    """Write the student's folder with its record, and return it."""
    write_label_graph(folder / "onnx" / "model_quantized.onnx", LOGITS)
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": {str(at): name for at, name in enumerate(LABELS)}}))
    write_record(folder, record(**changes))
    return folder


def write_export(folder: Path) -> Path:
    """Write the folder of an export with the student's record, whose weights nobody reads, and return it."""
    folder.mkdir(parents=True)
    write_record(folder, record())
    ref = ArtifactRef(stage="train", fingerprint="1" * 64)
    manifest = Manifest(format="onnx", precision="int8", kind="encoder", student=ref, tools={}, weights=("model.onnx",))
    write_manifest(folder, manifest)
    return folder


def spec(folder: Path, **changes: Any) -> ServeSpec:
    """Return what a server of the student is told."""
    fields: dict[str, Any] = {
        "name": "tickets",
        "version": "3",
        "served": "tickets@champion",
        "folder": str(folder),
        "engine": "encoder",
        "engine_python": "python",
        "record": record(),
        "host": "127.0.0.1",
        "port": 0,
        "threads": 2,
    }
    return ServeSpec(**(fields | changes))
