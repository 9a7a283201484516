"""The memory that a model takes of each GPU, and on how many GPUs it fits. Calculated: no engine was measured."""

import math
from typing import Any, Self

from stillhouse.config import StrictModel
from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token, latent_bytes_per_token
from stillhouse.inference.vllm.sizing import GIB
from stillhouse.recipe.engine import Engine

# CUDA itself, activations of a batch, CUDA graphs and buffers of communication: assumed, not measured
OF_EACH_GPU = 3 * GIB
_MOST_NODES = 32
# for which there is room where a number of GPUs is advised: an engine that holds one sequence decodes one at a time
_ADVISED_SEQUENCES = 8


class Spread(StrictModel):
    """How an engine is spread: GPUs that share each layer, and groups of them that share the layers."""

    tensor_parallel: int
    pipeline_parallel: int

    @property
    def num_gpus(self) -> int:
        """GPUs in all."""
        return self.tensor_parallel * self.pipeline_parallel

    def num_machines(self, gpus_of_machine: int) -> int:
        """Return the fewest machines that have its GPUs, each as many as the others."""
        fewest = math.ceil(self.num_gpus / gpus_of_machine)
        return next(number for number in range(fewest, self.num_gpus + 1) if self.num_gpus % number == 0)


class Footprint(StrictModel):
    """What a model takes, whatever it is spread over."""

    weight_bytes: int
    token_bytes: int  # of the KV cache
    tokens: int  # of the longest sequence
    num_heads: int
    num_kv_heads: int  # no more GPUs than these share the cache of a layer

    @classmethod
    def of(cls, config: Any, weight_bytes: int, tokens: int, cache: tuple[str, str]) -> Self:
        """Return the footprint by the model's configuration; `cache` is its number type and that of its KV cache."""
        text = config.get_text_config()
        latent = latent_bytes_per_token(config, *cache)
        heads = getattr(text, "num_attention_heads", None) or 1
        return cls(
            weight_bytes=weight_bytes,
            token_bytes=latent or kv_bytes_per_token(config, *cache),
            tokens=tokens,
            num_heads=heads,
            # all heads read the one latent vector
            num_kv_heads=1 if latent else getattr(text, "num_key_value_heads", None) or heads,
        )

    @property
    def sequence_bytes(self) -> int:
        """The KV cache of the longest sequence."""
        return self.token_bytes * self.tokens

    def bytes_of_each_gpu(self, spread: Spread, num_sequences: int = 1) -> int:
        """Return what each GPU must have: its share of the weights, the cache of the sequences, and what CUDA takes."""
        shares = spread.pipeline_parallel * min(spread.tensor_parallel, self.num_kv_heads)
        cache = num_sequences * self.sequence_bytes / shares
        return math.ceil(self.weight_bytes / spread.num_gpus + cache) + OF_EACH_GPU

    def smallest_spread(self, gpu_bytes: int, gpus_of_node: int) -> Spread | None:
        """Return the fewest GPUs of `gpu_bytes` that hold the model and some sequences, first within a node.

        None if no number does.
        """
        within = [count for count in (1, 2, 4, 8, 16) if count <= gpus_of_node and self.num_heads % count == 0]
        one_node = [Spread(tensor_parallel=count, pipeline_parallel=1) for count in within]
        nodes = [Spread(tensor_parallel=within[-1], pipeline_parallel=n) for n in range(2, _MOST_NODES + 1)]
        for spread in [*one_node, *nodes]:
            if self.bytes_of_each_gpu(spread, _ADVISED_SEQUENCES) <= gpu_bytes:
                return spread
        return None


def spread_of(engine: Engine) -> Spread:
    """Return how the recipe spreads an engine."""
    return Spread(tensor_parallel=engine.tensor_parallel, pipeline_parallel=engine.pipeline_parallel)
