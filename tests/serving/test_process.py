"""The real command as a process: stopped while it answers, killed, and started again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.serving.clients import Load, ask_all, question
from tests.support.paths import ROOT
from tests.support.processes import wait_until
from tests.support.served import LABELS, WORDS, write_export, write_student

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

KEY = "secret"
ANSWERS = dict(zip([word for word in WORDS if word != "[UNK]"], LABELS, strict=True))
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Process:
    """`stillhouse serve` on a free port."""

    def __init__(self, folder: Path, logs: Path) -> None:
        command = [sys.executable, "-m", "deployments.cli", "serve", str(folder), "--port", "0"]
        environment = {**os.environ, "STILLHOUSE_SERVE_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
        self.child = subprocess.Popen(
            [*command, "--log-requests", str(logs)], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert self.child.stderr is not None
        greeting = self.child.stderr.readline()
        assert " answers on http://127.0.0.1:" in greeting, greeting
        self.port = int(greeting.rpartition(":")[2])

    def load(self, seconds: float, clients: int = 20) -> Load:
        asked = [question("/predict", KEY, {"text": word}, label) for word, label in ANSWERS.items()]
        return asyncio.run(ask_all(self.port, asked, clients, seconds))

    def post(self, body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/predict", json.dumps(body).encode(), headers)
        try:
            with OPENER.open(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def end(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(30)


@pytest.fixture
def student(tmp_path: Path) -> Path:
    return write_student(tmp_path / "student")


@pytest.fixture
def served(student: Path, tmp_path: Path) -> Iterator[Process]:
    process = Process(student, tmp_path / "logs")
    yield process
    process.end()


def rows(logs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(logs.iterdir()) for line in file.read_bytes().split(b"\n")[:-1]]


def test_clients_all_get_their_own_right_answer_and_each_is_logged(served, tmp_path):
    load = served.load(3)
    assert load.right > 100
    assert (load.wrong, load.lost, load.refused) == (0, 0, 0)
    logged = rows(tmp_path / "logs")
    assert len(logged) == load.right
    assert all(ANSWERS[row["messages"][0]["content"]] == row["answer"] for row in logged)


def test_stopped_server_answers_what_is_under_way_and_ends_in_good_order(served):
    def stop() -> None:
        time.sleep(1.0)
        served.child.send_signal(signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    load = served.load(4)
    stopping.join()
    # no answer was wrong or cut: a connection ends between two of them
    assert load.right > 50
    assert load.wrong == 0
    assert served.child.wait(30) == 0


def test_killed_server_leaves_no_half_line_and_starts_again(served, student, tmp_path):
    logs = tmp_path / "logs"
    loading = subprocess.Popen(
        [sys.executable, "-c", _LOAD, str(served.port)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: len(rows(logs)) > 60, 60, "answers")
    served.child.kill()
    out, _ = loading.communicate(timeout=60)
    seen = json.loads(out)
    # whole or nothing: what broke off was counted as lost, and no answer was another's
    assert seen["right"] > 50
    assert seen["wrong"] == 0
    # a half line, as a kill in the middle of a write leaves it
    (file,) = logs.iterdir()
    with file.open("ab") as torn:
        torn.write(b'{"id":"pred-')
    again = Process(student, logs)
    try:
        assert again.post({"text": "parcel"})[1]["label"] == "delivery"
        assert len(rows(logs)) >= seen["right"] + 1
        assert all(set(row) >= {"id", "messages", "answer"} for row in rows(logs))
    finally:
        again.end()


_LOAD = """
import asyncio, json, sys
from tests.benchmarks.serving.clients import ask_all, question
from tests.support.served import LABELS
asked = [question("/predict", "secret", {"text": word}, label)
         for word, label in zip(("invoice", "parcel", "refund"), LABELS)]
load = asyncio.run(ask_all(int(sys.argv[1]), asked, 20, 6))
print(json.dumps({"right": load.right, "wrong": load.wrong, "lost": load.lost}))
"""


def test_port_in_use_is_one_line(served, student):
    command = [sys.executable, "-m", "deployments.cli", "serve", str(student), "--port", str(served.port), "--no-key"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "Choose another port" in line


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_server_told_to_end_while_its_engine_loads_leaves_nothing(tmp_path: Path, ends: signal.Signals):
    folder, python, temporary = write_export(tmp_path / "export"), tmp_path / "python", tmp_path / "tmp"
    temporary.mkdir()
    # an engine that loads for a long time
    python.write_text(f"#!/bin/sh\ntouch {tmp_path}/loads\nexec sleep 600\n")
    python.chmod(0o755)
    environment = {**os.environ, "STILLHOUSE_ENGINE_PYTHON": str(python), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "deployments.cli", "serve", str(folder), "--port", "0", "--no-key"]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        wait_until((tmp_path / "loads").exists, 60, "the engine's start")
        assert list(temporary.glob("stillhouse-engine-*"))
        child.send_signal(ends)
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 128 + ends
    assert "Traceback" not in said
    assert not list(temporary.glob("stillhouse-engine-*"))
