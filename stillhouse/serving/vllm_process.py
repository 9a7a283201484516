"""vLLM's own server as a child process, on a socket that this user alone can open, with a key of its own."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from stillhouse.errors import ModelError
from stillhouse.inference.loading import load_config
from stillhouse.inference.vllm.arguments import EngineModel, engine_arguments
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token
from stillhouse.inference.vllm.sizing import GIB
from stillhouse.repository import ROOT
from stillhouse.runtime.machine import engine_machine
from stillhouse.runtime.orphan_guard import guard_group
from stillhouse.runtime.process import end_group
from stillhouse.serving.record import ServingRecord

# tokens of a chat template and of an instruction, over those of the prompt's own letters
_TEMPLATE_TOKENS = 512
_START_S = 1800.0
_KV_BLOCK = 128
_LAST_BYTES = 4000


class VllmProcess:
    """A running server of one student."""

    def __init__(self, folder: Path, record: ServingRecord, engine_python: Path, *, concurrency: int) -> None:
        """Start it in the engine environment, for up to `concurrency` sequences at once; `wait` says when it answers.

        Raises:
            ModelError: the student's configuration can't be read.
        """
        self.max_model_len = context_length(folder, record)
        self._home = Path(tempfile.mkdtemp(prefix="stillhouse-vllm-"))  # 0700
        self._log = self._home / "vllm.log"
        key = secrets.token_urlsafe(32)
        on_cpu = not engine_machine(engine_python).gpus
        arguments = server_arguments(folder, record, self.max_model_len, concurrency, on_cpu=on_cpu)
        command = [
            str(engine_python),
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--uds",
            str(self._socket),
            *arguments,
        ]
        environment = {**os.environ, **environment_for(record.engine), "VLLM_API_KEY": key, "PYTHONPATH": str(ROOT)}
        # a server's engine is a process of its own
        environment.pop("VLLM_ENABLE_V1_MULTIPROCESSING")
        with self._log.open("w") as output:
            self._child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._guard = guard_group(self._child.pid)
        self.client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self._socket), limits=httpx.Limits(max_connections=None)),
            base_url="http://vllm",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(600.0, connect=10.0),
        )

    @property
    def _socket(self) -> Path:
        return self._home / "socket"

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._child.poll() is None

    async def wait(self) -> None:
        """Return once it answers.

        Raises:
            ModelError: it ended, or was not ready in half an hour.
        """
        end = time.monotonic() + _START_S
        while self.is_running and time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if (await self.client.get("/health")).status_code == 200:
                    return
            await asyncio.sleep(0.5)
        raise ModelError(f"vLLM did not start: {self.last_line()}. The end of its log:\n{self._last()}")

    def last_line(self) -> str:
        """Return the last line that says anything in its log."""
        lines = [line.strip() for line in self._last().splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    async def close(self) -> None:
        """End it and what it started."""
        await self.client.aclose()
        await asyncio.to_thread(end_group, self._child)
        self._guard.kill()
        self._guard.communicate()
        shutil.rmtree(self._home, ignore_errors=True)

    def _last(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")[-_LAST_BYTES:]
        return ""


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
