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
    # distributions of the engine environment, beyond its own, that converting and serving take; `make export` brings
    # them. Beside each the name of its folder of metadata
    packages: tuple[str, ...] = ()
    # values of `model_type` in config.json; empty: every one
    families: frozenset[str] = frozenset()
    # whether several requests are answered at once
    batches: bool = False

    def refusal(self, kind: Kind, model_type: str) -> str:
        """Return why no such student can be exported to this format; empty if it can."""
        if kind not in self.kinds:
            return f"takes students of kind {' and '.join(sorted(self.kinds))}, and this one is of kind {kind}"
        if kind == "causal_lm" and self.families and model_type not in self.families:
            return f"knows the model families {', '.join(sorted(self.families))}, and this student's is {model_type}"
        return ""


_FORMATS = (
    ExportFormat(
        name="safetensors",
        precisions=("as_trained",),
        kinds=frozenset({"causal_lm", "encoder"}),
        engine="transformers",
    ),
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
)

FORMATS = {one.name: one for one in _FORMATS}
