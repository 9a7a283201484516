"""The steps of a check: the demo, an engine on one GPU, trainings, the evaluation, each with what it measures."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from infra.gpu_check.make_student import StudentSpec
from infra.gpu_check.place import Place
from infra.gpu_check.steps import Figures, Step
from infra.gpu_check.training import METHODS, forecast_bytes, num_layers, train
from stillhouse.inference.vllm.footprint import OF_EACH_GPU
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.repository import ROOT
from stillhouse.students.spec import ConvertSpec

TEACHER = ROOT / ".models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
# set, so that the engine does not fill its share of the GPU and its own needs can be seen
_CACHE_GIB = 2


def all_steps(place: Place) -> Sequence[Step]:
    """Return the steps in their order."""
    plan = place.folder / "plan.json"
    tokenizer, student = place.folder / "teacher", place.folder / "student"
    return [
        Step(name="engine on one GPU", run=partial(ask_engine, place, plan), forecast_bytes=partial(of_engine, plan)),
        Step(name="demo", run=partial(run_demo, place)),
        # again, with all else found in the store
        Step(
            name="evaluation",
            run=partial(run_demo, place, "--refresh", "evaluate"),
            forecast_bytes=partial(of_evaluation, place),
            needs=("demo",),
        ),
        Step(name="student to train", run=partial(make_student, place, tokenizer, student)),
        *(_training(place, student, name) for name in METHODS),
    ]


def _training(place: Place, student: Path, method: str) -> Step:
    return Step(
        name=method,
        run=partial(train, place, student, method),
        forecast_bytes=partial(forecast_bytes, student, method),
        needs=("student to train",),
    )


def ask_engine(place: Place, plan: Path) -> Figures:
    """Have the demo's teacher answer a plan's prompts in a compiled engine on one GPU."""
    settings = {"tensor_parallel": 1, "kv_cache_gib": _CACHE_GIB, "mode": "compiled"}
    changes = [part for name, value in settings.items() for part in ("--set", f"teachers.0.engine.{name}={value}")]
    plan.write_text(place.stillhouse("plan", "demo", "--json", *changes))
    return engine_figures(json.loads(plan.read_text()))


def engine_figures(plan: Any) -> Figures:
    """Return what a plan says of its probe: start of the engine, and tokens a second."""
    probe = plan["probe"]
    tokens = probe["prompt_tokens"] + probe["completion_tokens"]
    return {
        "completions": probe["generated"],
        "start of the engine, s": probe["engine_start_seconds"],
        "tokens a second": tokens / probe["seconds"] if probe["seconds"] else 0.0,
    }


def of_engine(plan: Path) -> int | None:
    """Return the forecast memory of that engine: weights, its cache, and what CUDA is assumed to take."""
    weights = json.loads(plan.read_text())["memory"][0]["weight_bytes"]
    return None if weights is None else weights + _CACHE_GIB * 2**30 + OF_EACH_GPU


def run_demo(place: Place, *options: str) -> Figures:
    """Run the demo, and return what its report says."""
    place.stillhouse("run", "demo", *options)
    return demo_figures(json.loads(place.stillhouse("runs", "show", "last", "--json")))


def demo_figures(report: Any) -> Figures:
    """Return quality, latency and memory of each measured model, and the time of training."""
    figures: dict[str, float | str] = {}
    if (training := report.get("training")) and training.get("seconds"):
        figures["training, s"] = training["seconds"]
    for role in ("teacher", "student"):
        model = report["models"].get(role)
        if not model:
            continue
        figures |= {f"{role} {name}": found["value"] for name, found in list(model["quality"].items())[:1]}
        if model.get("latency_ms"):
            figures[f"{role} p50, ms"] = model["latency_ms"]["p50"]
        if model.get("peak_memory_bytes"):
            figures[f"{role} memory, GiB"] = model["peak_memory_bytes"] / 2**30
    return figures


def of_evaluation(place: Place) -> int:
    """Return the share of one GPU that an evaluation's engine takes."""
    return int(Evaluation().engine.gpu_memory_utilization * place.machine.gpu_bytes)


def make_student(place: Place, tokenizer: Path, student: Path) -> Figures:
    """Write the student that is trained, with the tokenizer of the demo's teacher."""
    place.worker("stillhouse.students.convert", ConvertSpec(gguf=str(TEACHER), out=str(tokenizer)))
    layers = num_layers(place.machine.gpu_bytes)
    spec = StudentSpec(tokenizer=str(tokenizer), layers=layers, out=str(student))
    made: Any = place.worker("infra.gpu_check.make_student", spec)
    return {"layers": layers, "parameters": made["parameters"]}
