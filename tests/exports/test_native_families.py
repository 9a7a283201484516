"""Small checkpoints of each family through the formats: the engines' numbers against transformers' own."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings

PYTHON = load_settings().engine_python
INSTALLED = {path.name for path in PYTHON.parent.parent.glob("lib/python*/site-packages/*")}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not {"xllamacpp", "ctranslate2", "onnxruntime_genai"} <= INSTALLED, reason="`make export` was not run"
    ),
]

VARIANTS = (
    "Llama 3.1",
    "Llama 3.1 for short texts",
    "Llama with biases",
    "Llama of wide heads",
    "Llama of linear positions",
)
PHI = ("Phi-3", "Phi-3.5", "Phi-4-mini")
BOTH = ("Llama 3.2", "Llama 2", "Llama 2 base", "Mistral 7B v0.1", "Qwen2.5", "Qwen3")
GGUF = (*BOTH, *PHI, "Gemma 2", "Gemma 3 text", "SmolLM3", *VARIANTS)
CTRANSLATE2 = (*BOTH, "Llama with biases", "Llama of linear positions")
ALL = (*GGUF, "Gemma 3", "Gemma 3n", "Qwen3.5", "gpt-oss")


def taken(format_name: str, precision: str, folder: Path, *names: str) -> dict[str, Any]:
    """What came of each family: its numbers, or the line that refused it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    module = "tests.support.exports.native_families"
    command = [str(PYTHON), "-m", module, format_name, precision, str(folder), *names]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, Any] = {}
    # an engine may print beside them
    for line in ended.stdout.splitlines():
        found |= json.loads(line) if line.startswith('{"') else {}
    return found


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return taken("gguf", "f16", tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="module")
def ctranslate2(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    # no precision that a recipe may name: with whole numbers nothing but the family's form can differ
    return taken("ctranslate2", "float32", tmp_path_factory.mktemp("ctranslate2"))


def assert_as_transformers(found: dict[str, Any], tolerance: float) -> None:
    assert found["scores"] == pytest.approx(found["expected"], abs=tolerance)
    assert found["one_pass"][:3] == pytest.approx(found["one_pass_expected"], abs=tolerance)
    assert found["worst_choice"] < tolerance


@pytest.mark.parametrize("name", GGUF)
def test_gguf_family_scores_writes_and_reads_as_transformers_does(gguf, name):
    found = gguf[name]
    # llama.cpp multiplies halves
    assert_as_transformers(found, 0.05)
    assert found["tokens"] == found["tokens_expected"]
    assert set(found["training_stops"]) <= set(found["stops"])
    assert found["adds_bos"] == found["training_adds_bos"]


@pytest.mark.parametrize("name", CTRANSLATE2)
def test_ctranslate2_family_scores_and_writes_as_transformers_does(ctranslate2, name):
    assert_as_transformers(ctranslate2[name], 0.001)


# one process would load vLLM for each
VLLM = ("Llama 3.2", "Qwen3", "Gemma 3 text", "Phi-3", "gpt-oss")


def test_vllm_families_in_8_bits_are_near_or_refused_in_one_line(tmp_path):
    found = taken("vllm", "int8", tmp_path, *VLLM)
    assert set(found) == set(VLLM)
    for name, of_family in found.items():
        if isinstance(of_family, str):
            assert (name, "\n" in of_family) == ("gpt-oss", False)
            continue
        assert of_family["scores"] == pytest.approx(of_family["expected"], abs=0.6)
        assert of_family["one_pass"][:3] == pytest.approx(of_family["one_pass_expected"], abs=0.6)
        assert of_family["worst_choice"] < 0.6


def test_safetensors_students_score_and_write_as_transformers_does(tmp_path):
    for found in taken("safetensors", "as_trained", tmp_path, "Llama 3.2", "Qwen3").values():
        assert_as_transformers(found, 0.001)
        assert "can't be loaded by transformers" in found["damaged"]


@pytest.mark.parametrize("name", [name for name in ALL if name not in GGUF])
def test_gguf_other_family_is_refused_in_a_line_that_names_the_known(gguf, name):
    assert gguf[name].startswith("No GGUF can be made of a student of the family ")
    assert "known are llama, mistral," in gguf[name]
    assert "\n" not in gguf[name]


@pytest.mark.parametrize("name", [name for name in ALL if name not in CTRANSLATE2])
def test_ctranslate2_other_family_is_refused_in_one_line(ctranslate2, name):
    assert ctranslate2[name].startswith("No CTranslate2 model can be made of this ")
    assert "\n" not in ctranslate2[name]


@pytest.mark.parametrize(
    ("format_name", "precision", "tolerance"),
    [
        ("gguf", "q8_0", 0.6),
        ("gguf", "q4_0", 6.0),
        ("ctranslate2", "int8", 0.6),
        ("onnx", "int8", 0.6),
        ("onnx", "int4", 6.0),
        ("vllm", "int8", 0.6),
        ("vllm", "fp8", 1.0),
    ],
)
def test_precision_scores_are_near_and_further_off_with_fewer_bits(tmp_path, format_name, precision, tolerance):
    found = taken(format_name, precision, tmp_path, "Llama 3.2")["Llama 3.2"]
    off = [abs(one - other) for one, other in zip(found["scores"], found["expected"], strict=True)]
    assert max(off) < tolerance
    assert max(off) > 1e-4
    assert re.search(
        r"(llama\.cpp|CTranslate2) can't read |can't be (loaded by onnxruntime-genai|served)", found["damaged"]
    )
    assert found["damaged"].endswith((". Export the student again.", ". Export it again.", ", export it again."))
