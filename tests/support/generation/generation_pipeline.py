"""The pipeline up to the teacher's completions, on a scripted engine, in this process or in one of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prefect import flow
from prefect.settings import PREFECT_API_URL

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_teachers
from tasks.generate import generate_with
from tasks.orchestration.preflight import start_run
from tasks.orchestration.run import join_prefect
from tests.support.model_folder import write_model_folder
from tests.support.paths import ROOT
from tests.support.pipeline import Pipeline
from tests.support.stages import prepare_rows

# imported and not run as a file: what nodes are sent must have a module to be found in
_RUN = [sys.executable, "-c", "from tests.support.generation.generation_pipeline import main; main()"]


@flow(name="generation", persist_result=False)
def run_generation(recipe: str, refresh: list[str]) -> dict[str, Any]:
    join_prefect()
    with start_run(load_recipe(recipe), load_settings(), refresh) as run:
        (teacher,) = load_teachers(run)
        built = generate_with(run, 0, teacher, prepare_rows(run))
        return {"fingerprint": built.ref.fingerprint, **built.summary.to_record()}


def outcome(recipe: str, refresh: list[str]) -> dict[str, Any]:
    """Return what `run_generation` returns, or its error."""
    result = run_generation(recipe, refresh, return_state=True).result(raise_on_failure=False)
    return {"error": f"{type(result).__name__}: {result}"} if isinstance(result, BaseException) else result


def main() -> None:
    sys.stdout.write(json.dumps(outcome(sys.argv[1], sys.argv[2:])) + "\n")


class SingleEngineRun(NamedTuple):
    """What one engine made of the messages: what replicas must come to."""

    summary: dict[str, Any]
    artifact_files: dict[str, str]  # SHA-256 by path
    prompts: list[str]

    @property
    def requests(self) -> int:
        return int(self.summary["requests"])


class GenerationPipeline(Pipeline):
    """A recipe whose scripted teacher completes `num_messages` messages."""

    def prepare(self, replicas: int, num_messages: int = 90, **engine: Any) -> "GenerationPipeline":
        recipe = self.write(num_messages)
        write_model_folder(self.folder / "teacher")
        fields = yaml.safe_load(recipe.read_text())
        fields["teachers"][0] |= {"model": "teacher", "replicas": replicas}
        fields["teachers"][0]["engine"] |= {"threads": 1, **engine}
        fields["student"]["model"] = "teacher"
        recipe.write_text(yaml.safe_dump(fields))
        return self

    def generate(self, engine_python: Path, *refresh: str, **environment: str) -> dict[str, Any]:
        """Run to the end; return the stage's summary and its artifact's fingerprint."""
        return _without_error(self._outcome(engine_python, refresh, environment))

    def error(self, engine_python: Path, **environment: str) -> str:
        """Run until it fails; return the error."""
        return str(self._outcome(engine_python, (), environment)["error"])

    def _outcome(self, engine_python: Path, refresh: tuple[str, ...], environment: dict[str, str]) -> dict[str, Any]:
        variables = {**self.own_environment, "STILLHOUSE_ENGINE_PYTHON": str(engine_python), **environment}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return outcome(str(self.folder / "recipe.yaml"), list(refresh))

    def start_generation(self, engine_python: Path, *refresh: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a run in a process of its own, which a test can end and whose log is log.txt."""
        server = PREFECT_API_URL.value()
        assert server
        settings = {"PREFECT_API_URL": server, "STILLHOUSE_ENGINE_PYTHON": str(engine_python), **environment}
        return subprocess.Popen(
            [*_RUN, str(self.folder / "recipe.yaml"), *refresh],
            cwd=ROOT,
            env={**self.environment, **settings},
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log.txt").open("a"),
            text=True,
        )

    def generate_in_process(self, engine_python: Path, **environment: str) -> dict[str, Any]:
        """Do as `generate` in a process of its own."""
        return _without_error(self._end(self.start_generation(engine_python, **environment)))

    def error_in_process(self, engine_python: Path, **environment: str) -> str:
        """Do as `error` in a process of its own."""
        return str(self._end(self.start_generation(engine_python, **environment))["error"])

    def _end(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        out, _ = process.communicate(timeout=240)
        assert process.returncode == 0, (self.folder / "log.txt").read_text()[-4000:]
        said: dict[str, Any] = json.loads(out.splitlines()[-1])
        return said

    def artifact_files(self) -> dict[str, str]:
        """Return the SHA-256 of each file of the generate artifact, by path."""
        files = self.files("generate")
        assert files
        return files


def _without_error(said: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in said, said["error"]
    return said
