"""Loads `stillhouse serve` with many clients, and compares it with the bare engine.

    .venv/control/bin/python -m tests.benchmarks.serving_load --seconds 60     # an encoder of real size
    .venv/control/bin/python -m tests.benchmarks.serving_load --folder FOLDER  # another one, with its serving.json

Rounds of the bare engine and of the server alternate, so that a slow moment of the machine affects both. The bare
engine is `LabelEncoder.logits` over the same texts in a process of its own. Clients and server share the cores, and a
busy machine gives the threads of both their shares: what an answer takes of a CPU says the same on any machine.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil

from stillhouse.inference.encoder.label_encoder import LabelEncoder, read_labels
from stillhouse.repository import ROOT
from stillhouse.serving.record import RECORD, write_record
from tests.benchmarks.serving.clients import Load, ask_all, question
from tests.support.served import record

_BARE = """
import json, random, sys, time
from pathlib import Path
from stillhouse.inference.encoder.label_encoder import LabelEncoder
student, texts = LabelEncoder(Path(sys.argv[1])), json.loads(sys.stdin.read())
student.logits(texts[:50])
end, started, times, cpu = time.perf_counter() + float(sys.argv[2]), time.perf_counter(), 0, time.process_time()
draw = random.Random(0)
while time.perf_counter() < end:
    student.logits(draw.choices(texts, k=100))
    times += 1
print(100 * times / (time.perf_counter() - started), 10 * (time.process_time() - cpu) / times)
"""


@contextmanager
def serving(folder: Path, key: str, port: int, *more: str):
    """Serve the folder, and yield the process."""
    command = [sys.executable, "-m", "deployments.cli", "serve", str(folder), "--port", str(port), *more]
    environment = {**os.environ, "STILLHOUSE_SERVE_API_KEY": key, "PYTHONPATH": str(ROOT)}
    process = psutil.Popen(command, env=environment, cwd=ROOT)
    try:
        wait_until_ready(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait_until_ready(port: int, process: psutil.Popen, seconds: float = 900.0) -> None:
    """Return once the server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server does not start")


def bare_rate(folder: Path, texts: list[str], seconds: float) -> tuple[float, float]:
    """Return how many texts a second the engine answers by itself, and the milliseconds of a CPU that each takes."""
    done = subprocess.run(
        [sys.executable, "-c", _BARE, str(folder), str(seconds)],
        input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    rate, cpu_ms = done.stdout.split()
    return float(rate), float(cpu_ms)


def main() -> None:
    """Print a line a round, and what all of them say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the server's rounds together")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or made_encoder(Path(made) / "student")
        texts = [json.loads(line)["message"] for line in (ROOT / "deployments/recipes/demo/test.jsonl").open()]
        answers = LabelEncoder(folder).answers(texts)
        key, port = secrets.token_urlsafe(16), 18733
        asked = [question("/predict", key, {"text": text}, answer) for text, answer in zip(texts, answers, strict=True)]
        rounds = []
        with serving(folder, key, port) as server:
            asyncio.run(ask_all(port, asked, options.clients, 2.0))
            for _ in range(options.rounds):
                bare = bare_rate(folder, texts, options.seconds / options.rounds)
                before = cpu_s(server)
                load = asyncio.run(ask_all(port, asked, options.clients, options.seconds / options.rounds))
                rounds.append((load, *bare, 1000 * (cpu_s(server) - before) / max(load.right, 1)))
                say(*rounds[-1])
            assert server.poll() is None, "the server has ended"
    summary(rounds)


def cpu_s(process: psutil.Popen) -> float:
    """Return the CPU time that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def made_encoder(folder: Path) -> Path:
    """Return an encoder student of real size with its record."""
    python = ROOT / ".venv" / "engine" / "bin" / "python"
    subprocess.run([python, "-m", "tests.benchmarks.serving.encoder_student", str(folder)], check=True, cwd=ROOT)
    write_record(folder, record(labels=read_labels(folder), max_prompt_chars=8000))
    assert (folder / RECORD).is_file()
    return folder


def say(load: Load, bare: float, bare_ms: float, served_ms: float) -> None:
    """Print a round."""
    print(
        f"bare {bare:6.1f}/s {bare_ms:6.2f} ms CPU   served {load.rate:6.1f}/s {served_ms:6.2f} ms CPU   "
        f"p50 {load.percentile(0.5):.0f} ms   p95 {load.percentile(0.95):.0f} ms   right {load.right}   "
        f"wrong {load.wrong}   lost {load.lost}   refused {load.refused}",
        flush=True,
    )


def summary(rounds: list[tuple[Load, float, float, float]]) -> None:
    """Print what all rounds say together."""
    loads = [one[0] for one in rounds]
    by_time = sum(load.rate for load in loads) / sum(one[1] for one in rounds)
    by_cpu = sum(one[2] for one in rounds) / sum(one[3] for one in rounds)
    wrong, lost, refused = (sum(getattr(load, name) for load in loads) for name in ("wrong", "lost", "refused"))
    print(f"throughput to bare {by_time:.3f}; by CPU {by_cpu:.3f}; wrong {wrong}, lost {lost}, refused {refused}")


if __name__ == "__main__":
    main()
