"""The four ways of asking, each as a whole process."""

import json
import os
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers.environments import python_of
from tests.benchmarks.peers.figures import Took
from tests.support.paths import ROOT

# each is `ask_NAME.py` beside this file
WAYS = ("bare", "stillhouse", "distilabel", "curator")
_ANSWERED = re.compile(r"^vllm:request_success_total\{.*\} ([\d.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """What all ways are asked, and of which server."""

    folder: Path
    address: str
    model: str
    max_tokens: int
    concurrency: int


def ask(way: str, job: Job, prompts: list[str], place: str) -> Took:
    """Have a new process ask `prompts`; what it keeps for its next process in the same `place` is its own affair."""
    folder = job.folder / place / way
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"address": job.address, "model": job.model, "max_tokens": job.max_tokens, "prompts": prompts}
    spec = {**fields, "concurrency": job.concurrency, "folder": str(folder)}
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [python_of(way), Path(__file__).with_name(f"ask_{way}.py"), folder / "spec.json"]
    before, started = _num_answered(job.address), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=_environment(job.folder), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    assert done.returncode == 0, f"{way}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["answers"] == len(prompts), f"{way} answered {said['answers']} of {len(prompts)} prompts"
    return Took(seconds, said["asking_s"], _num_answered(job.address) - before)


def _environment(home: Path) -> dict[str, str]:
    """No proxy, nothing told to the makers of packages, and the caches of all in one temporary home."""
    quiet = {
        "TELEMETRY_ENABLED": "false",
        "HF_HUB_OFFLINE": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",  # a busy machine is no reason to end
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return {**os.environ, **quiet, "HOME": str(home), "PYTHONPATH": str(ROOT)}


def _num_answered(address: str) -> int:
    """Return how many requests the server has answered since its start, by its own count."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{address.removesuffix('/v1')}/metrics", timeout=30) as page:
        return int(sum(float(number) for number in _ANSWERED.findall(page.read().decode())))
