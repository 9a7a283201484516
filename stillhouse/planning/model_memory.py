"""What memory each model of a run needs on how many devices, whether this machine has it, and else what to do."""

from typing import Literal

from stillhouse.config import StrictModel
from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.footprint import OF_EACH_GPU, Footprint, Spread, spread_of
from stillhouse.inference.vllm.launch import PORT, server_commands
from stillhouse.inference.vllm.sizing import GIB
from stillhouse.recipe.engine import Engine
from stillhouse.reports.numbers import count, size
from stillhouse.runtime.machine import Machine

# where this machine has fewer GPUs than a server with large models
_NODE_GPUS = 8
_NODE_GPU_BYTES = 80 * 2**30


class ModelMemory(StrictModel):
    """The memory of one model's engine; None if the model's size is not known."""

    field: str  # of the recipe, whose `engine` it is
    model: str
    weight_bytes: int | None
    tokens: int  # of the sequence that the KV cache must hold
    num_gpus: int  # of its engine; 0 on a machine without
    needed_bytes: int | None  # on each GPU, or in all
    available_bytes: int  # the share of each GPU that the engine may take, or the machine's memory
    verdict: Literal["fits", "may not fit", "does not fit", "not known"]
    advice: str = ""
    commands: tuple[str, ...] = ()  # that serve the model elsewhere


def reckon_memory(field: str, model: EngineModel, footprint: Footprint | None, machine: Machine) -> ModelMemory:
    """Return the memory of `model`'s engine on `machine`."""
    engine, spread = model.engine, spread_of(model.engine)
    available = int(engine.gpu_memory_utilization * machine.gpu_bytes) if machine.gpus else machine.memory_bytes
    found = ModelMemory(
        field=field,
        model=model.path,
        weight_bytes=footprint and footprint.weight_bytes,
        tokens=footprint.tokens if footprint else 0,
        num_gpus=spread.num_gpus if machine.gpus else 0,
        needed_bytes=footprint and _needed(footprint, spread, model.engine, machine),
        available_bytes=available,
        verdict="not known",
    )
    if footprint is None or found.needed_bytes is None:
        return found
    has_enough_gpus = found.num_gpus <= len(machine.gpus)
    if has_enough_gpus and found.needed_bytes <= available:
        return found.model_copy(update={"verdict": "fits"})
    way_out = _way_out(field, model, footprint, machine)
    # what is assumed of a GPU can be wrong, and refuses nothing
    may_fit = has_enough_gpus and bool(machine.gpus) and found.needed_bytes - OF_EACH_GPU <= available
    return found.model_copy(update={"verdict": "may not fit" if may_fit else "does not fit", **way_out})


def memory_line(memory: ModelMemory) -> str:
    """Return what is known of a model's memory in one line, without the commands."""
    begin = f"Memory of {memory.field}, {memory.model}: "
    if memory.weight_bytes is None or memory.needed_bytes is None:
        return f"{begin}not known, since its weights are neither here nor described by the hub."
    where = f"on each of {memory.num_gpus} GPUs" if memory.num_gpus > 1 else "on the GPU" if memory.num_gpus else "here"
    return (
        f"{begin}weights {size(memory.weight_bytes)}; {size(memory.needed_bytes)} {where} with a sequence of "
        f"{count(memory.tokens)} tokens, of {size(memory.available_bytes)}: {memory.verdict}."
        + (f" {memory.advice}" if memory.advice else "")
    )


def _needed(footprint: Footprint, spread: Spread, engine: Engine, machine: Machine) -> int:
    if not machine.gpus:
        return footprint.weight_bytes + footprint.sequence_bytes
    # of the weights, so much of each GPU's share is in the machine's memory
    offloaded = int(engine.arguments.get("cpu_offload_gb", 0) * GIB)
    return max(OF_EACH_GPU, footprint.bytes_of_each_gpu(spread) - offloaded)


def _way_out(field: str, model: EngineModel, footprint: Footprint, machine: Machine) -> dict[str, object]:
    """Return the advice for a model that does not fit, and the commands of its server elsewhere."""
    share, num_here = model.engine.gpu_memory_utilization, len(machine.gpus)
    here = footprint.smallest_spread(int(share * machine.gpu_bytes), num_here) if num_here else None
    if here and here.num_gpus <= num_here:
        return {
            "advice": f"It fits on {here.num_gpus} of the {num_here} GPUs here: set {field}.engine.tensor_parallel to "
            f"{here.tensor_parallel} and pipeline_parallel to {here.pipeline_parallel}."
        }
    is_large = num_here >= _NODE_GPUS
    per_node, gpu_bytes = (num_here, machine.gpu_bytes) if is_large else (_NODE_GPUS, _NODE_GPU_BYTES)
    spread = footprint.smallest_spread(int(share * gpu_bytes), per_node)
    if spread is None:
        return {"advice": "No number of GPUs was found that holds it."}
    gpus = "one GPU" if spread.num_gpus == 1 else f"{spread.num_gpus} GPUs"
    how, whose = "by the command below", "that machine"
    if (machines := spread.num_machines(per_node)) > 1:
        each = spread.num_gpus // machines
        how, whose = f"on {machines} machines with {each} of them each by the commands below", "the first"
    return {
        "advice": f"It needs {gpus} of {size(gpu_bytes)}. Serve it {how}, HEAD being the address of {whose}, and name "
        "the server in the recipe in place of engine, dtype and quantization: "
        f"`endpoint: {{provider: vllm, base_url: 'http://HEAD:{PORT}/v1'}}`.",
        "commands": tuple(server_commands(model, spread, footprint.tokens, gpus_of_node=per_node)),
    }
