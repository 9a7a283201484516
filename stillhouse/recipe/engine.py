"""How a vLLM engine runs: its sizes, the devices it is spread over, and any further argument of vLLM's."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator

from stillhouse.config import FrozenModel, execution
from stillhouse.recipe.engine_arguments import find_refusal, is_placement

# what an engine takes of its model's own settings, whoever shares the others with it
_OF_THE_MODEL = (
    "tensor_parallel",
    "pipeline_parallel",
    "expert_parallel",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "arguments",
)
# named in the identity of a measurement only if they are set: what was measured before they existed stays valid
_LATER = ("pipeline_parallel", "expert_parallel", "kv_cache_dtype", "arguments")


class Engine(FrozenModel):
    """How a vLLM engine runs. Only `kv_cache_dtype` and some `arguments` change the key of a completion."""

    max_num_seqs: int = execution(
        0, "most sequences decoded together; 0 chooses by the size of the job, and on GPUs leaves it to vLLM", ge=0
    )
    mode: Literal["auto", "eager", "compiled"] = execution(
        "auto",
        "auto compiles for large jobs; for an evaluation, whose times are reported, on GPUs always and on a CPU never",
    )
    kv_cache_gib: float = execution(
        0.0,
        "KV cache in GiB; 0 takes what the job needs on a CPU, and on a GPU what the weights leave of "
        "gpu_memory_utilization. If it is set, each GPU has so much, and gpu_memory_utilization has no effect",
        ge=0.0,
    )
    max_model_len: int = execution(0, "most tokens of a sequence; 0 chooses by the size of the job", ge=0)
    gpu_memory_utilization: float = execution(0.9, "share of a GPU's memory that the engine takes", gt=0.0, le=1.0)
    tensor_parallel: int = execution(1, "GPUs that share each layer", ge=1)
    pipeline_parallel: int = execution(
        1, "groups of tensor_parallel GPUs that each hold a part of the layers; an engine takes both multiplied", ge=1
    )
    expert_parallel: bool = execution(
        False, "of a mixture of experts each GPU holds whole experts, in place of a slice of each"
    )
    kv_cache_dtype: str = Field(
        "auto", description="number type of the KV cache, such as fp8, which halves it; auto takes the weights' own"
    )
    prefix_caching: bool = execution(True, "share the KV cache of prompts that begin alike")
    threads: int = execution(0, "OpenMP threads on a CPU; 0 takes all cores", ge=0)
    segment_seconds: float = execution(5.0, "most seconds between two writes to the completion store", gt=0.0, le=10.0)
    arguments: dict[str, Any] = Field(
        {},
        description="further arguments of vLLM's EngineArgs by their names, such as {hf_overrides: {…}} or "
        "{cpu_offload_gb: 20}. Those that only say where or how fast an engine runs enter no key; all others do",
    )

    @field_validator("arguments")
    @classmethod
    def _may_be_set(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if refusal := next(filter(None, (find_refusal(name, value) for name, value in arguments.items())), None):
            raise ValueError(refusal)
        return arguments

    @property
    def num_gpus(self) -> int:
        """GPUs of one engine."""
        return self.tensor_parallel * self.pipeline_parallel

    @property
    def answers_identity(self) -> dict[str, Any]:
        """What of it changes answers; empty for most."""
        own = {name: value for name, value in self.arguments.items() if not is_placement(name)}
        return own | ({"kv_cache_dtype": self.kv_cache_dtype} if self.kv_cache_dtype != "auto" else {})

    @property
    def measured_identity(self) -> dict[str, Any]:
        """All of it: measured numbers depend on how an engine runs."""
        mode: str = self.mode
        # an evaluation's default was eager, as auto is on a CPU: what was measured there stays valid
        if self == Engine():
            mode = "eager"
        elif self == Engine(mode="eager"):
            mode = "eager everywhere"
        unset = {name for name in _LATER if getattr(self, name) == getattr(Engine(), name)}
        return self.model_dump(exclude=unset) | {"mode": mode}

    def with_placement_of(self, other: Self) -> Self:
        """Return these settings on the devices of `other`, in the form in which its model is loaded there."""
        return self.model_copy(update={name: getattr(other, name) for name in _OF_THE_MODEL})
