"""The job that the benchmarks of generation measure: the demo's messages asked of the demo's teacher.

Separate because the benchmarks run in two environments: control converts the model, the engine's Python measures.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tasks.orchestration.workers import Worker

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(os.environ.get("STILLHOUSE_ENGINE_PYTHON", ROOT / ".venv/engine/bin/python"))
LABELS = ("car", "home", "pet", "travel", "dental", "phone", "bicycle", "boat")


def run_inside(script: str, arguments: list[str]) -> None:
    """Run a benchmark again in the engine's environment, with `--inside` naming a folder that holds `model/`."""
    with tempfile.TemporaryDirectory() as folder:
        convert_model(Path(folder))
        command = [ENGINE, script, *arguments, "--inside", folder]
        subprocess.run(command, cwd=ROOT, env=_environment(), check=True)


def convert_model(folder: Path) -> Path:
    """Write the demo's teacher as a checkpoint to `model/` below `folder`, and return where."""
    (folder / "model").mkdir()
    spec = folder / "convert.json"
    gguf = ROOT / ".models/SmolLM2-135M-Instruct.Q4_1.gguf"
    spec.write_text(json.dumps({"gguf": str(gguf), "out": f"{folder}/model"}))
    command = [ENGINE, "-m", Worker.CONVERT, spec]
    subprocess.run(command, cwd=ROOT, env=_environment(), check=True, capture_output=True)
    return folder / "model"


def _environment() -> dict[str, str]:
    from stillhouse.inference.vllm.engine import environment_for
    from stillhouse.recipe.engine import Engine

    return {**os.environ, **environment_for(Engine()), "PYTHONPATH": str(ROOT)}


def rows(num_prompts: int) -> list[dict[str, Any]]:
    """Return rows of distinct messages: a repeated prompt is one request to the pipeline and two to `LLM.chat`."""
    from stillhouse.data.row import content_sha256

    lines = (ROOT / "deployments/recipes/demo/messages.jsonl").read_text().split("\n")
    texts = list(dict.fromkeys(json.loads(line)["message"] for line in lines if line.startswith('{"id": "m')))
    turns = [[{"role": "user", "content": text}] for text in texts[:num_prompts]]
    return [
        {
            "id": str(number),
            "messages": messages,
            "content_sha256": content_sha256(messages),
            "references": [],
            "label": None,
            "source": "train",
            "meta": "{}",
        }
        for number, messages in enumerate(turns)
    ]


def teacher(max_tokens: int, mode: str, max_num_seqs: int) -> Any:
    """Return the teacher's recipe: greedy, free text."""
    from stillhouse.recipe.engine import Engine
    from stillhouse.recipe.teacher import Output, Sampling, Teacher

    return Teacher(
        model="demo",
        sampling=Sampling(max_tokens=max_tokens),
        output=Output(kind="free"),
        engine=Engine(mode=mode, max_num_seqs=max_num_seqs),
    )


def chats(found: list[dict[str, Any]], asked: Any) -> list[Any]:
    """Return the rows' prompts as chat turns."""
    from stillhouse.skills.classification import Classification

    return [Classification().teacher_messages(row["messages"], asked.prompt, LABELS, []) for row in found]


def engine(folder: Path, asked: Any, num_requests: int) -> Any:
    """Return a started vLLM `LLM` for the job, as the pipeline would start it."""
    from stillhouse.inference.vllm.engine import start_engine
    from stillhouse.inference.vllm.sizing import Job

    return start_engine(
        str(folder / "model"),
        revision="",
        dtype="bfloat16",
        quantization="",
        engine=asked.engine,
        job=Job(num_requests=num_requests, longest_prompt=400, max_tokens=asked.sampling.max_tokens),
    )


def params(asked: Any) -> Any:
    """Return vLLM's sampling parameters of the job."""
    from stillhouse.inference.vllm.request import sampling_params

    return sampling_params(asked.sampling, {}, 0, None)


if __name__ == "__main__":
    sys.exit("This is no benchmark; run generation.py, api_teacher.py or engine_settings.py.")
