"""Rounds a student's linear layers to 8 bits in the form that vLLM loads, with the library that defines it."""

from __future__ import annotations

from typing import Any

from stillhouse.errors import ModelError
from stillhouse.exports.convert import Conversion, Converted
from stillhouse.exports.tokenizer_files import copy_tokenizer
from stillhouse.students.base_model import load_base

# the library's names
_NUMBER_TYPES = {"int8": "int", "fp8": "float"}
# Read by their row, or few and decisive: the output layer, the routers of a mixture of experts, what sees an image.
_LEFT_ALONE = ["lm_head", r"re:.*\.(gate|router|shared_expert_gate)$", r"re:.*(vision|visual|multi_modal_projector).*"]


def convert(job: Conversion) -> Converted:
    """Write weights with one scale a row of each linear layer; activations are rounded a token, while it is served.

    Weights are rounded to nearest and symmetric, without calibration rows: at 8 bits that loses little (LLM.int8,
    arXiv:2208.07339; SmoothQuant, arXiv:2211.10438, for what large models lose).

    Raises:
        ModelError: the student can't be loaded, or has no linear layers.
    """
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import apply_quantization_config

    # in the type in which it is served and was measured
    model, _ = load_base(str(job.student), "", weights="bfloat16")
    apply_quantization_config(model, _rounding(job.precision))
    rounded = [module for module in model.modules() if hasattr(module, "weight_scale")]
    if not rounded:
        raise ModelError(
            f"vLLM's 8 bits are of linear layers, and {type(model).__name__} has none of torch's own: leave vllm out "
            "of `export`."
        )
    for layer in rounded:
        _set_scales(layer)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(job.out)
    compressor.update_config(job.out)
    copy_tokenizer(job.student, job.out)
    weights = sorted(path.name for path in job.out.glob("*.safetensors"))
    return Converted(weights=weights, tools=["compressed-tensors", "transformers"])


def _rounding(precision: str) -> Any:
    from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme

    of: dict[str, Any] = {"num_bits": 8, "type": _NUMBER_TYPES[precision], "symmetric": True}
    scheme = QuantizationScheme(
        targets=["Linear"],
        weights=QuantizationArgs(**of, strategy="channel", dynamic=False),
        input_activations=QuantizationArgs(**of, strategy="token", dynamic=True),
    )
    return QuantizationConfig(config_groups={"linear": scheme}, ignore=_LEFT_ALONE, quantization_status="frozen")


def _set_scales(layer: Any) -> None:
    """Set one scale a row, by which the row's largest number becomes the largest of 8 bits."""
    from compressed_tensors.quantization.utils import calculate_qparams

    weights = layer.weight.data.float()
    least, most = weights.amin(dim=1, keepdim=True), weights.amax(dim=1, keepdim=True)
    scale, _ = calculate_qparams(least, most, layer.quantization_scheme.weights)
    layer.weight_scale.data = scale.to(layer.weight_scale.dtype).reshape(layer.weight_scale.shape)
