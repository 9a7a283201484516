"""What the pipeline's generation costs over one bare `LLM.chat` on the same prompts in the same engine.

    python tests/benchmarks/generation.py [--prompts 500] [--rounds 5] [--max-tokens 8]

Both ways run in one process and one engine, in turns; the engine's prefix cache is emptied before each. The
pipeline's way includes rendering, keys, look-up, segments and the answers' table. Prints each time, both medians and
their ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(os.environ.get("STILLHOUSE_ENGINE_PYTHON", ROOT / ".venv/engine/bin/python"))


def main() -> None:
    """Start the measuring in the engine's environment, on the demo's converted teacher."""
    arguments = parse()
    if arguments.inside:
        measure(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        from tasks.engines.start import environment_for
        from tasks.recipe.teacher import Engine

        (Path(folder) / "model").mkdir()
        spec = Path(folder) / "convert.json"
        gguf = ROOT / ".models/SmolLM2-135M-Instruct.Q4_1.gguf"
        spec.write_text(json.dumps({"gguf": str(gguf), "out": f"{folder}/model"}))
        environment = {**os.environ, **environment_for(Engine()), "PYTHONPATH": str(ROOT)}
        quiet = {"env": environment, "cwd": ROOT, "check": True}
        subprocess.run(
            [ENGINE, "-m", "tasks.students.convert", spec],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **quiet,
        )
        subprocess.run([ENGINE, __file__, *sys.argv[1:], "--inside", folder], **quiet)


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=8)
    parser.add_argument("--mode", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--num-seqs", type=int, default=0)
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> None:
    """Print the times of both ways, in turns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tasks.artifacts.store import StoreConfig
    from tasks.data.row import ROW_SCHEMA, content_sha256
    from tasks.engines.plan import Job
    from tasks.engines.request import sampling_params
    from tasks.engines.start import start_engine
    from tasks.recipe.skill import Classification
    from tasks.recipe.teacher import Engine, Output, Sampling, Teacher
    from tasks.runtime.worker import Reporter
    from tasks.skills.classification import teacher_messages
    from tasks.teachers.spec import GenerateSpec
    from tasks.teachers.worker import generate

    folder = Path(arguments.inside)
    lines = (ROOT / "deployments/recipes/demo/messages.jsonl").read_text().split("\n")
    messages = [json.loads(line)["message"] for line in lines if line.startswith('{"id": "m')]
    # a repeated prompt is one request to the pipeline and two to LLM.chat
    texts = list(dict.fromkeys(messages))[: arguments.prompts]
    rows = [
        {
            "id": str(number),
            "messages": [{"role": "user", "content": text}],
            "content_sha256": content_sha256([{"role": "user", "content": text}]),
            "references": [],
            "label": None,
            "source": "train",
            "meta": "{}",
        }
        for number, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), folder / "rows.parquet")
    engine = Engine(mode=arguments.mode, max_num_seqs=arguments.num_seqs)
    sampling = Sampling(max_tokens=arguments.max_tokens)
    teacher = Teacher(model="demo", sampling=sampling, output=Output(kind="free"), engine=engine)
    skill, labels = Classification(), ("car", "home", "pet", "travel", "dental", "phone", "bicycle", "boat")
    chats = [teacher_messages(row["messages"], skill, teacher.prompt, labels, []) for row in rows]
    model = str(folder / "model")
    started = time.perf_counter()
    llm = start_engine(
        model,
        revision="",
        dtype="bfloat16",
        quantization="",
        engine=engine,
        job=Job(num_requests=len(rows), longest_prompt=400, max_tokens=arguments.max_tokens),
    )
    print(f"engine start: {time.perf_counter() - started:.1f} s ({arguments.mode})")
    params = sampling_params(sampling, {}, 0, None)

    def bare() -> float:
        llm.reset_prefix_cache()
        begun = time.perf_counter()
        llm.chat(chats, params, use_tqdm=False)
        return time.perf_counter() - begun

    def pipeline(number: int) -> float:
        llm.reset_prefix_cache()
        out = folder / f"out{number}"
        out.mkdir()
        spec = GenerateSpec(
            model_path=model,
            teacher=teacher,
            teacher_fingerprint=f"{number:064d}",
            skill=skill,
            labels=labels,
            skip_labelled=True,
            rows=(str(folder / "rows.parquet"),),
            examples=None,
            store=StoreConfig(url=str(folder / "store")),
            out=str(out),
        )
        with open(os.devnull, "w") as nowhere:
            begun = time.perf_counter()
            summary = generate(spec, Reporter(nowhere), start=lambda *args, **settings: llm)
            seconds = time.perf_counter() - begun
        assert summary["generated"] == len(rows), summary
        return seconds

    bare()
    times: dict[str, list[float]] = {"bare": [], "pipeline": []}
    for number in range(arguments.rounds):
        order = [("bare", bare), ("pipeline", lambda number=number: pipeline(number))]
        for name, way in order if number % 2 == 0 else reversed(order):
            times[name].append(way())
            print(f"round {number + 1} {name}: {times[name][-1]:.2f} s", flush=True)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(
        f"{len(rows)} prompts, medians of {arguments.rounds}: bare {medians['bare']:.2f} s, "
        f"pipeline {medians['pipeline']:.2f} s, ratio {medians['pipeline'] / medians['bare']:.3f}"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
