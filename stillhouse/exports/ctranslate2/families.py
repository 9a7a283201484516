"""The students that CTranslate2 computes as transformers does, of those that its converter takes.

The families are those of stillhouse/exports/formats.py. Its converter also takes Gemma 2, whose soft caps it leaves
out, and Phi-3 and Gemma 3, whose configurations it reads as transformers 4 wrote them.
"""

from typing import Any

from stillhouse.errors import ModelError
from stillhouse.exports.formats import FORMATS

# for Llama 3.1's positions its converter does not write on what lengths they were trained
_ROPES = ("default", "linear")


def check_family(config: Any) -> None:
    """Return if CTranslate2 computes what a student's configuration says.

    Raises:
        ModelError: it does not.
    """
    if unlike := _unlike(config):
        raise ModelError(
            f"No CTranslate2 model can be made of this {config.model_type} student: {unlike}. Export it to another "
            "format."
        )


def _unlike(config: Any) -> str:
    """Return what in the configuration CTranslate2's converter does not read; empty if nothing."""
    if refusal := FORMATS["ctranslate2"].refusal("causal_lm", config.model_type, "int8"):
        return f"the format {refusal}"
    usual = config.hidden_size // config.num_attention_heads
    head = getattr(config, "head_dim", None) or usual
    if config.model_type == "llama" and head != usual:
        return f"its heads have {head} numbers, and its converter expects {usual}"
    rope = config.rope_parameters["rope_type"]
    if rope not in _ROPES:
        return f"its rotary positions are of type {rope}, and known are {', '.join(_ROPES)}"
    if config.model_type != "mistral" and getattr(config, "use_sliding_window", False):
        return "its attention has a window"
    return ""
