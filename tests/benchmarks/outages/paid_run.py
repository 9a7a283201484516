"""A run whose teacher is a scripted endpoint: what the endpoint was asked, and what the store holds of it."""

import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from stillhouse.completions.completion import DISCARDED
from stillhouse.runtime.settings import load_settings
from tests.support.api.recipe import ENVIRONMENT
from tests.support.api.server import Act, FaultyServer, Received, answer
from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, Pipeline

CONCURRENCY = 16


@dataclass(frozen=True)
class PaidRun:
    """A recipe in a folder, and the endpoint that it asks."""

    pipeline: Pipeline
    server: FaultyServer

    @property
    def num_asked(self) -> int:
        """The requests that the endpoint received: each is paid for, whatever became of its answer."""
        return len(self.server.requests)

    @property
    def most_of_one(self) -> int:
        """How often the endpoint was asked the prompt that it was asked most often."""
        return max(Counter(str(body["messages"]) for body in self.server.bodies()).values(), default=0)

    @property
    def num_stored(self) -> int:
        """The answers that the store holds, each once."""
        return len({line["key"] for line in self._lines() if line["finish_reason"] != DISCARDED})

    @property
    def num_discarded(self) -> int:
        """The replies that were thrown away, whose cost the store holds."""
        return sum(line["finish_reason"] == DISCARDED for line in self._lines())

    @property
    def has_generated(self) -> bool:
        """Whether the stage that asks the teacher is done."""
        return any((self.pipeline.store / "artifacts" / "generate").glob("*/record.json"))

    def _lines(self) -> list[dict[str, Any]]:
        segments = sorted((self.pipeline.store / "completions").rglob("*.parquet"))
        return [line for path in segments for line in pq.read_table(path, columns=["key", "finish_reason"]).to_pylist()]

    def end_of(self, flow: "subprocess.Popen[str]") -> str:
        """Wait for a run's end; return its exit code and the last line that the user saw."""
        code = self.pipeline.end_of(flow)
        seen = (self.pipeline.folder / "log.txt").read_text().splitlines()
        return f"exit code {code}, last line: {seen[-1] if seen else ''}"

    def wait(self, flow: "subprocess.Popen[str]", holds: Callable[[], bool]) -> bool:
        """Wait until `holds`, or the run has ended; return which of them."""
        while not holds():
            if flow.poll() is not None:
                return holds()
            time.sleep(0.02)
        return True


def prepare(pipeline: Pipeline, server: FaultyServer, num_messages: int, **fields: Any) -> PaidRun:
    """Write the recipe: the endpoint is the teacher; `fields` are further parts of the recipe."""
    pipeline.model = tiny_model(pipeline.folder)
    pipeline.threads = 1
    pipeline.settings |= ENVIRONMENT
    recipe = pipeline.write(num_messages, **fields.pop("changes", {}))
    endpoint = {"provider": "openai", "base_url": server.address, "serves": "test", "concurrency": CONCURRENCY}
    teacher = {"model": "served", "accept_terms": "openai", "prompt": {"examples": 2}, "endpoint": endpoint}
    written: dict[str, Any] = yaml.safe_load(recipe.read_text())
    recipe.write_text(yaml.safe_dump(written | {"teachers": [teacher | fields.pop("teacher", {})], **fields}))
    return PaidRun(pipeline, server)


def tiny_model(folder: Path) -> Path:
    """Make the student's base, a model of a few random weights: what it learns is not looked at."""
    out = folder / "tiny.gguf"
    command = [load_settings().engine_python, "-m", "tests.support.workers.tiny_gguf", MODEL, out]
    subprocess.run(command, cwd=ROOT, env=Pipeline(folder).environment, check=True, capture_output=True)
    return out


def any_label(received: Received, delay_s: float = 0.0) -> Act:
    """One of the labels that the request offers, always the same for the same prompt."""
    labels = received.body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
    act = answer(f'{{"answer": "{labels[zlib.crc32(received.prompt.encode()) % len(labels)]}"}}')
    act.delay_s = delay_s
    return act


def say(text: str) -> None:
    """Print with the time, at once: a proof takes minutes."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def verdict(is_met: bool) -> str:
    """Return the word for a bound that was met, or was not."""
    return "met" if is_met else "MISSED"
