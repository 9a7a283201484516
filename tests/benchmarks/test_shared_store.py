"""The benchmark of machines that share a bucket, in small: each prompt is asked once, also where one is killed."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow  # processes, an S3 server and the loopback


def run(*options: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.shared_store", "--processes", "1", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_two_machines_on_one_bucket_ask_each_prompt_once() -> None:
    said = run("--prompts", "60")
    assert "60 requests in the endpoint's log for 60 prompts; 0 asked again" in said
    assert "answered by each: [60, 0]" in said
