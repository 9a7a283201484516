"""What asking over an API costs over `vllm bench serve`: tokens a second of both from one vLLM server, in turns.

    python tests/benchmarks/api_teacher.py [--prompts 300] [--rounds 5] [--max-tokens 64] [--concurrency 16]

The server is on the loopback, without prefix caching. Both ask the same prompts with the same fields (log-probabilities
included), the same number of tokens and as many at once; every second round is in reverse order. The pipeline's way is
the worker that a stage starts: look-up, pace, checks of each reply, segments, the table of answers. Only `vllm bench
serve` streams, which it can't be told not to. Prints each round, both medians and their ratio; 0.95 is the bound.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.orchestration.workers import Worker

NAME = "house-teacher"
BOUND = 0.95
_LOOPBACK = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def main() -> None:
    """Measure against a server started for it, or one at `--address`."""
    from tests.benchmarks.teacher_job import convert_model
    from tests.support.vllm_server import serving_model

    arguments = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.address:
            measure(Job(arguments, folder, arguments.address, Path(arguments.tokenizer)))
            return
        model = convert_model(folder)
        options = [
            "--max-model-len",
            "2048",
            "--max-num-seqs",
            str(arguments.concurrency),
            "--no-enable-prefix-caching",
        ]
        options += ["--enforce-eager"] if arguments.mode == "eager" else []
        with serving_model(model, NAME, folder / "server.txt", options=options) as address:
            measure(Job(arguments, folder, address, model))


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--mode", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--address", default="", help="of a vLLM server that runs already; its model is house-teacher")
    parser.add_argument("--tokenizer", default="", help="folder with that server's tokenizer")
    return parser.parse_args()


@dataclass(frozen=True)
class Job:
    """What both ways are asked."""

    arguments: argparse.Namespace
    folder: Path
    address: str
    tokenizer: Path

    @property
    def teacher(self) -> Any:
        """The teacher's recipe: greedy, and answers as long as they may be."""
        from stillhouse.recipe.teacher import Teacher

        endpoint = {
            "provider": "vllm",
            "base_url": self.address,
            "concurrency": self.arguments.concurrency,
            "extra_body": {"ignore_eos": True},
        }
        sampling = {"max_tokens": self.arguments.max_tokens}
        return Teacher.model_validate(
            {"model": NAME, "endpoint": endpoint, "sampling": sampling, "output": {"kind": "free"}}
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One user message each: the only prompt that `vllm bench serve` sends as it is."""
        from tests.benchmarks.teacher_job import rows

        return rows(self.arguments.prompts)


def measure(job: Job) -> None:
    """Print the tokens a second of both ways, in turns."""
    ways: dict[str, Callable[[int], float]] = {
        "vllm bench serve": lambda number: bench(job, number),
        "pipeline": lambda number: pipeline(job, number),
    }
    bench(job, -1)  # warm
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(job.arguments.rounds):
        for name in list(ways) if number % 2 == 0 else reversed(ways):
            rates[name].append(ways[name](number))
            print(f"round {number + 1} {name}: {rates[name][-1]:.1f} tokens/s", flush=True)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ours, theirs = medians["pipeline"], medians["vllm bench serve"]
    asked = job.arguments
    print(
        f"{len(job.rows)} prompts of {asked.max_tokens} tokens, {asked.concurrency} at once, medians of "
        f"{asked.rounds}: vllm bench serve {theirs:.1f} tokens/s, pipeline {ours:.1f} tokens/s, ratio "
        f"{ours / theirs:.3f} (bound {BOUND:g}: {'met' if ours >= BOUND * theirs else 'missed'})"
    )


def pipeline(job: Job, number: int) -> float:
    """Return the completion tokens a second of the worker, from its look-up to the table of answers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from stillhouse.artifacts.store import StoreConfig
    from stillhouse.data.row import ROW_SCHEMA
    from stillhouse.runtime.process import run_worker
    from stillhouse.skills.conversation import Conversation
    from stillhouse.teachers.spec import GenerateSpec

    folder = job.folder / f"round{number}"
    (folder / "out").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(job.rows, schema=ROW_SCHEMA), folder / "rows.parquet")
    spec = GenerateSpec(
        model_path=NAME,
        teacher=job.teacher,
        teacher_fingerprint=f"{number:064d}",
        # no instruction: the message alone
        skill=Conversation(kind="conversation", instruction=""),
        labels=(),
        rows=(str(folder / "rows.parquet"),),
        skip_labelled=True,
        examples=None,
        store=StoreConfig(url=str(folder / "store")),
        out=str(folder / "out"),
    )
    found: Any = run_worker(Worker.GENERATE_API, spec, python=Path(sys.executable), environment=_LOOPBACK)
    expected = len(job.rows) * job.arguments.max_tokens
    assert (found["generated"], found["completion_tokens"]) == (len(job.rows), expected), found
    return float(found["completion_tokens"] / found["seconds"])


def bench(job: Job, number: int) -> float:
    """Return the completion tokens a second that `vllm bench serve` reports, from its first request to its last."""
    from tests.support.vllm_server import ENGINE_PYTHON

    data, result = job.folder / "prompts.jsonl", job.folder / f"bench{number}.json"
    data.write_text("".join(json.dumps({"prompt": row["messages"][0]["content"]}) + "\n" for row in job.rows))
    command = [str(ENGINE_PYTHON), str(Path(__file__).with_name("bench_serve.py")), "--backend", "openai-chat"]
    command += ["--base-url", job.address.removesuffix("/v1"), "--endpoint", "/v1/chat/completions"]
    command += ["--model", NAME, "--tokenizer", str(job.tokenizer), "--dataset-name", "custom"]
    command += ["--dataset-path", str(data), "--skip-chat-template", "--disable-shuffle", "--no-oversample"]
    command += ["--num-prompts", str(len(job.rows)), "--custom-output-len", str(job.arguments.max_tokens)]
    command += ["--max-concurrency", str(job.arguments.concurrency), "--extra-body", json.dumps(fields(job))]
    command += ["--disable-tqdm", "--save-result", "--result-filename", str(result)]
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"} | _LOOPBACK
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(result.read_text())
    expected = len(job.rows) * job.arguments.max_tokens
    assert (found["completed"], found["total_output_tokens"]) == (len(job.rows), expected), found
    return float(found["total_output_tokens"] / found["duration"])


def fields(job: Job) -> dict[str, Any]:
    """Return the fields of the pipeline's requests that `vllm bench serve` would not send by itself."""
    from stillhouse.inference.api.request import ApiModel, ChatRequest, ResponseForm, request_body
    from stillhouse.runtime.spool import Spool

    model = ApiModel(job.teacher, job.teacher.endpoint, ResponseForm(), api_key="")
    sent = request_body(model, ChatRequest("", Spool().add(b"[]"), 0))
    return {name: value for name, value in sent.items() if name not in ("model", "messages", "max_completion_tokens")}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
