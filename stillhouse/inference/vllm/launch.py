"""The commands that serve a model with `vllm serve`, on one machine or several, for a run to ask it as an endpoint."""

import shlex
from collections.abc import Sequence

from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.footprint import Spread

PORT = 8000


def server_commands(model: EngineModel, spread: Spread, tokens: int, *, gpus_of_node: int) -> list[str]:
    """Return one command for each machine, the first of which answers; `tokens` is the longest sequence.

    HEAD in them stands for the first machine's address.
    """
    num_nodes = spread.num_machines(gpus_of_node)
    command = ["vllm", "serve", model.path, *_options(model, spread, tokens)]
    if num_nodes == 1:
        return [shlex.join([*command, "--port", str(PORT)])]
    nodes = ["--nnodes", str(num_nodes), "--master-addr", "HEAD"]
    others = [shlex.join([*command, *nodes, "--node-rank", str(rank), "--headless"]) for rank in range(1, num_nodes)]
    return [shlex.join([*command, *nodes, "--node-rank", "0", "--port", str(PORT)]), *others]


def _options(model: EngineModel, spread: Spread, tokens: int) -> Sequence[str]:
    engine = model.engine
    options = {
        "--revision": model.revision,
        "--dtype": model.dtype,
        "--quantization": model.quantization,
        "--kv-cache-dtype": engine.kv_cache_dtype,
        "--tensor-parallel-size": str(spread.tensor_parallel),
        "--pipeline-parallel-size": str(spread.pipeline_parallel),
        "--gpu-memory-utilization": f"{engine.gpu_memory_utilization:g}",
        "--max-model-len": str(tokens),
    }
    left_out = {"", "auto"}
    said = [part for name, value in options.items() if value not in left_out for part in (name, value)]
    return [*said, *(["--enable-expert-parallel"] if engine.expert_parallel else [])]
