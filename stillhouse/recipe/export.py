"""Which formats a student is exported to, and what an export may lose."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel, optional_identity
from stillhouse.exports.formats import FORMATS

FormatName = Literal["safetensors", "vllm", "onnx", "gguf", "ctranslate2"]


class Export(FrozenModel):
    """One format that a student is converted to; the result is measured on the test rows in the engine that serves it.

    The student is the best by validation, or, where the format does not take its kind, the first of a kind that it
    takes; `student` names another.
    """

    format: FormatName = Field(
        description="safetensors: as trained, for transformers; vllm: in 8 bits for vLLM; onnx: onnxruntime; gguf: "
        "llama.cpp; ctranslate2: CTranslate2. `make export` installs what they need"
    )
    precision: str = optional_identity("", "of the weights; the format's first, if none is named")
    student: str = optional_identity("", "name of one of the recipe's students")

    @model_validator(mode="after")
    def _has_the_precision(self) -> Self:
        known = FORMATS[self.format].precisions
        if self.precision and self.precision not in known:
            raise ValueError(f"precision {self.precision!r} of {self.format}: choose {' or '.join(known)}")
        return self

    @property
    def weights(self) -> str:
        """The precision of the weights."""
        return self.precision or FORMATS[self.format].precisions[0]

    @property
    def key(self) -> str:
        """Its name in report and registry: as onnx-int8, or safetensors, which has one precision."""
        parts = [self.format, *([self.weights] if len(FORMATS[self.format].precisions) > 1 else []), self.student]
        return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


class ExportGate(FrozenModel):
    """What an export may lose of its student before it is refused; a refused one is not registered."""

    min_agreement: float = Field(
        0.98, ge=0.0, le=1.0, description="share of the test rows with the same answer as the student's; for labels"
    )
    max_loss: float = Field(
        0.01, ge=0.0, le=1.0, description="of the first metric of `evaluation.metrics` on the test rows"
    )
