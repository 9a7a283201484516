"""What vLLM's EngineArgs are told of a model and of the devices that it runs on, whatever its job."""

from typing import Any

from stillhouse.config import StrictModel
from stillhouse.recipe.engine import Engine


class EngineModel(StrictModel):
    """A model as an engine loads it."""

    path: str
    revision: str = ""
    dtype: str
    quantization: str = ""
    engine: Engine


def engine_arguments(model: EngineModel) -> dict[str, Any]:
    """Return the fields of vLLM's EngineArgs; a job adds its sizes."""
    engine = model.engine
    return {
        "model": model.path,
        "revision": model.revision or None,
        "dtype": model.dtype,
        "quantization": model.quantization or None,
        "trust_remote_code": False,
        "load_format": "safetensors",
        "seed": 0,
        "tensor_parallel_size": engine.tensor_parallel,
        "pipeline_parallel_size": engine.pipeline_parallel,
        "enable_expert_parallel": engine.expert_parallel,
        "gpu_memory_utilization": engine.gpu_memory_utilization,
        "kv_cache_dtype": engine.kv_cache_dtype,
        # rows are text: of a model that sees, the parts that see are not loaded
        "language_model_only": True,
        "disable_log_stats": True,
        **engine.arguments,
    }
