"""A small but real pipeline for tests: a slice of the demo's data, the demo's teacher, a two-layer student."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import yaml

from stillhouse.inference.encoder.files import find_encoder
from stillhouse.recipe.encoder import Encoder
from tasks.orchestration.workers import Worker
from tests.support.paths import ROOT

DEMO = ROOT / "deployments" / "recipes" / "demo"
MODEL = ROOT / ".models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
WORKERS = {
    "generation": Worker.GENERATE,
    "training": Worker.TRAIN,
    "evaluation": Worker.EVALUATE,
}
# for recipes with rows of their own for choices
OWN_VALIDATION = {
    "validation": {"path": "validation.jsonl", "columns": {"id": "id", "text": "message", "label": "intent"}},
    "validation_fraction": 0,
}
# a section of its own, where the demo's encoder is there
SECOND_OPINION: dict[str, Any] = {"second_opinion": {"weight": 2.0}} if find_encoder(Encoder()) else {}
# what a stage's artifact holds depends on rows and weights alone; evaluate holds measured times
DATA_STAGES = ("read", "validate", "split", "balance", "convert", "generate", "filter", "train", "initialise")


@dataclass
class Pipeline:
    """A recipe with its own data, store and Prefect home under one folder."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)  # more of the environment
    served: Path | None = None  # where the files of an S3 store lie on this machine
    model: Path = MODEL  # of the teacher and of the student
    threads: int = 0  # of every engine and of the trainer; 0 takes all cores
    exports: tuple[dict[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a run."""
        return {**os.environ, **self.own_environment}

    @property
    def own_environment(self) -> dict[str, str]:
        """Of a run's environment what is not this process's."""
        return {
            "STILLHOUSE_STORE": str(self.folder / "store"),
            "STILLHOUSE_WORK": str(self.folder / "work"),
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }

    @property
    def store(self) -> Path:
        """Where the store's files lie on this machine."""
        return self.served or self.folder / "store"

    def write(self, num_messages: int = 48, **changes: Any) -> Path:
        """Write data and recipe; returns the recipe's path."""
        fields = yaml.safe_load((DEMO.parent / "demo.yaml").read_text())
        messages = [line for line in _lines("messages.jsonl") if line.startswith('{"id": "m') and "-again" not in line]
        (self.folder / "messages.jsonl").write_text("".join(f"{line}\n" for line in messages[:num_messages]))
        # no test row of the demo: they are kept for its measured runs
        held_out, more = (gold := _lines("development.jsonl"))[:30], gold[30:70]
        labelled = [*_lines("labelled.jsonl"), *more]
        (self.folder / "labelled.jsonl").write_text("".join(f"{line}\n" for line in labelled))
        (self.folder / "test.jsonl").write_text("".join(f"{line}\n" for line in held_out))
        # OWN_VALIDATION reads them
        (self.folder / "validation.jsonl").write_text("".join(f"{line}\n" for line in gold[70:85]))
        for role, name in {"train": "messages", "examples": "labelled", "test": "test"}.items():
            fields["data"][role]["path"] = f"{name}.jsonl"
        del fields["data"]["validation"]
        fields["data"]["validation_fraction"] = 0.15
        engine = {"segment_seconds": 0.2, "max_num_seqs": 4, "threads": self.threads}
        fields["teachers"][0] |= {"model": str(self.model), "engine": engine}
        main = fields.pop("students")[0]
        fields["student"] = main | {"model": str(self.model), "layers": 2}
        fields["training"] |= {"max_steps": 6, "save_every": 2, "batch_size": 4, "execution": {"threads": self.threads}}
        fields["evaluation"]["engine"] = {"mode": "eager", "threads": self.threads}
        fields["filters"] = {"min_success_ratio": 0.0}
        fields["second_opinion"] = None  # it needs the demo's encoder
        fields["gate"] = {"rules": []}
        fields["export"] = [*self.exports]
        for part, values in changes.items():
            fields[part] = {**(fields[part] or {}), **values}
        path = self.folder / "recipe.yaml"
        path.write_text(yaml.safe_dump(fields))
        return path

    def reporting_to(self, server: str) -> "Pipeline":
        """Return this pipeline with runs that report to the Prefect server at this URL, and so start none."""
        return replace(self, settings={**self.settings, "PREFECT_API_URL": server})

    def start(self, *arguments: str, prepare: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
        """Start `stillhouse run` on the recipe; `prepare` is called in the new process."""
        command = [sys.executable, "-m", "deployments.cli", "run", str(self.folder / "recipe.yaml"), *arguments]
        log = (self.folder / "log.txt").open("a")
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=prepare,
        )

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run to the end and return the newest report."""
        code = self.end_of(self.start(*arguments))
        assert code == 0, self._last_lines
        reports = sorted((self.store / "runs").glob("*/report.json"), key=lambda path: path.stat().st_mtime)
        report: dict[str, Any] = json.loads(reports[-1].read_text())
        return report

    def refuse(self, *arguments: str, prepare: Callable[[], None] | None = None) -> str:
        """Run the recipe, which must end with exit code 2 and one message, and return what the user saw."""
        code = self.end_of(self.start(*arguments, prepare=prepare))
        seen = (self.folder / "log.txt").read_text()
        assert code == 2, seen
        assert "Traceback" not in seen, seen
        assert not list(self.store.glob("runs/*"))
        return seen

    def end_of(self, flow: "subprocess.Popen[str]") -> int:
        """Wait for a run's exit code; a test that is ended first, by its time limit, ends the run and shows its log."""
        try:
            return flow.wait()
        finally:
            if flow.poll() is None:
                sys.stderr.write(f"The run had not ended; its log:\n{self._last_lines}")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(flow.pid, signal.SIGKILL)
            flow.wait()

    @property
    def _last_lines(self) -> str:
        return (self.folder / "log.txt").read_text()[-4000:]

    def stored_keys(self) -> list[str]:
        """Keys of all stored answers, with repeats."""
        found: list[str] = []
        for segment in sorted((self.store / "completions").rglob("*.parquet")):
            found += pq.read_table(segment, columns=["key"])["key"].to_pylist()
        return found

    def kill_during(self, phase: str, is_under_way: Callable[[], bool]) -> list[psutil.Process]:
        """Start a run, SIGKILL its flow process once `phase` is under way, and return the processes it had."""
        flow = self.start()
        family = self.wait_for(flow, phase, is_under_way)
        flow.kill()
        flow.wait()
        return family

    def wait_for(
        self, flow: "subprocess.Popen[str]", phase: str, is_under_way: Callable[[], bool] = lambda: True
    ) -> list[psutil.Process]:
        """Return the processes below a run once `phase` is under way."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            assert flow.poll() is None, f"ended before {phase}:\n{self._last_lines}"
            family = psutil.Process(flow.pid).children(recursive=True)
            if any(WORKERS[phase] in command_of(child) for child in family) and is_under_way():
                return family
            time.sleep(0.1)
        raise AssertionError(f"{phase} never came under way")

    def newest_summary(self, stage: str) -> dict[str, Any]:
        """What the record of a stage's newest artifact notes."""
        records = (self.store / "artifacts" / stage).glob("*/record.json")
        newest = max(records, key=lambda path: path.stat().st_mtime)
        body = json.loads(newest.read_text())
        summary: dict[str, Any] = body.get("record", body)["summary"]
        return summary

    def files(self, stage: str) -> dict[str, str]:
        """SHA-256 by file of the newest artifact of a stage."""
        records = sorted((self.store / "artifacts" / stage).glob("*/record.json"))
        found: dict[str, str] = {}
        for path in records:
            body = json.loads(path.read_text())
            files = body.get("record", body)["files"]
            found |= {f"{path.parent.name}/{file['path']}": file["sha256"] for file in files}
        return found


def _lines(name: str) -> list[str]:
    return [line for line in (DEMO / name).read_text().split("\n") if line]


def command_of(process: psutil.Process) -> str:
    """Return a process's command line; empty where it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def left_alive(family: list[psutil.Process], within_s: float = 15.0) -> list[str]:
    """Return the command lines of those processes that live on."""
    _, alive = psutil.wait_procs(family, timeout=within_s)
    return [command_of(process) for process in alive if process.status() != psutil.STATUS_ZOMBIE]
