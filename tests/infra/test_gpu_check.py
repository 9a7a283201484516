"""The check of a GPU machine, with its edges faked: commands, workers, and the driver's memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.gpu_check import __main__ as gpu_check
from infra.gpu_check.checks import all_steps
from infra.gpu_check.memory_watch import MemoryWatch, used_bytes
from infra.gpu_check.place import Place
from infra.gpu_check.results import CheckReport, StepResult, as_json, as_markdown
from infra.gpu_check.steps import Step, run_steps
from infra.gpu_check.training import METHODS, num_layers, training_of
from stillhouse.errors import WorkerError
from stillhouse.runtime.machine import Gpu, Machine

GIB = 2**30
MACHINE = Machine(gpus=(Gpu(index="0", uuid="GPU-0", name="H100", memory_bytes=80 * GIB),), memory_bytes=2**40)
PLAN = {
    "probe": {
        "generated": 32,
        "prompt_tokens": 3000,
        "completion_tokens": 200,
        "seconds": 4.0,
        "engine_start_seconds": 30,
    },
    "memory": [{"weight_bytes": GIB}],
}
REPORT = {
    "training": {"seconds": 12.5},
    "models": {
        "teacher": {"quality": {"accuracy": {"value": 0.7}}, "latency_ms": {"p50": 20.0}, "peak_memory_bytes": 3 * GIB},
        "student": {"quality": {"accuracy": {"value": 0.6}}, "latency_ms": None, "peak_memory_bytes": None},
    },
}


class FakePlace(Place):
    """Answers as the commands do; those named in `broken` fail."""

    broken: frozenset[str] = frozenset()

    def stillhouse(self, *arguments: str) -> str:
        self._fail_if_broken(arguments[0])
        return json.dumps({"plan": PLAN, "runs": REPORT}.get(arguments[0], {}))

    def worker(self, module: str, spec: Any) -> dict[str, object]:
        self._fail_if_broken(getattr(getattr(spec, "training", None), "method", module))
        return {"parameters": 10, "steps": 8, "tokens": 800, "seconds": 4.0, "train_loss": 2.5}

    def _fail_if_broken(self, name: str) -> None:
        if name in self.broken:
            raise WorkerError(f"{name} is broken")


def results(folder: Path, *broken: str) -> dict[str, StepResult]:
    place = type("Broken", (FakePlace,), {"broken": frozenset(broken)})(folder, folder / "python", MACHINE)
    return {one.name: one for one in run_steps(all_steps(place), lambda _: None, lambda: MemoryWatch(lambda: 0))}


def test_check_tries_all_that_a_gpu_is_for(tmp_path):
    found = results(tmp_path)
    assert list(found) == [
        "engine on one GPU",
        "demo",
        "evaluation",
        "student to train",
        "training with checkpointing",
        "LoRA",
        "QLoRA",
    ]
    assert {one.verdict for one in found.values()} == {"passed"}
    assert found["engine on one GPU"].figures["tokens a second"] == 3200 / 4
    # weights, the cache that is set, and what CUDA is assumed to take
    assert found["engine on one GPU"].forecast_bytes == (1 + 2 + 3) * GIB
    assert found["evaluation"].forecast_bytes == int(0.9 * 80 * GIB)
    assert found["demo"].figures["teacher memory, GiB"] == 3
    assert found["LoRA"].figures["tokens a second"] == 200


def test_check_goes_on_after_a_step_that_fails(tmp_path):
    found = results(tmp_path, "plan", "qlora")
    assert (found["engine on one GPU"].verdict, found["engine on one GPU"].error) == ("failed", "plan is broken")
    assert found["QLoRA"].verdict == "failed"
    assert {one.verdict for name, one in found.items() if name not in ("engine on one GPU", "QLoRA")} == {"passed"}


def test_check_does_not_run_what_needs_a_step_that_failed(tmp_path):
    found = results(tmp_path, "run", "infra.gpu_check.make_student")
    assert found["evaluation"].verdict == found["LoRA"].verdict == "not run"
    assert found["evaluation"].error == "demo did not pass"
    assert found["engine on one GPU"].verdict == "passed"


def test_run_steps_takes_what_nobody_foresaw_for_a_failure_of_that_step_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHOUSE_WORK", str(tmp_path))

    def fail() -> Any:
        raise KeyError("probe")

    steps = [Step(name="first", run=fail), Step(name="second", run=lambda: {})]
    first, second = run_steps(steps, lambda _: None, lambda: MemoryWatch(lambda: 0))
    assert (first.verdict, second.verdict) == ("failed", "passed")
    assert "KeyError" in first.error


def test_run_steps_notes_time_and_peak_memory():
    amounts: Iterator[int] = iter([5 * GIB, *[9 * GIB] * 100])
    clock = iter([10.0, 14.0])

    def work() -> dict[str, float]:
        while watch.peak_bytes == 0:
            pass
        return {}

    watch = MemoryWatch(lambda: next(amounts), every_s=0.001)
    step = Step(name="engine", run=work, forecast_bytes=lambda: 5 * GIB)
    (found,) = run_steps([step], lambda _: None, lambda: watch, lambda: next(clock))
    assert (found.seconds, found.measured_bytes, found.off_by) == (4.0, 4 * GIB, 0.25)


@pytest.mark.parametrize(("gib", "layers"), [(141, 32), (80, 32), (24, 14), (8, 3), (2, 1)])
def test_num_layers_is_what_the_gpu_can_train_in_full(gib, layers):
    assert num_layers(gib * GIB) == layers
    if 1 < layers < 32:
        # 113 million numbers a layer and 302 of embeddings, at 8 bytes: within 60 % of the GPU, one layer more is not
        taken = [8 * (113.2e6 * count + 302e6) for count in (layers, layers + 1)]
        assert taken[0] <= 0.6 * gib * GIB < taken[1]


@pytest.mark.parametrize("name", METHODS)
def test_training_of_a_method_is_settled_for_a_gpu(name):
    training = training_of(name)
    assert (training.precision, training.weights, training.execution.gradient_checkpointing) == (
        "bfloat16",
        "bfloat16",
        True,
    )


def test_report_says_which_forecast_is_far_off_and_what_failed():
    steps = (
        StepResult(name="near", verdict="passed", seconds=2.0, forecast_bytes=11 * GIB, measured_bytes=10 * GIB),
        StepResult(name="far", verdict="passed", forecast_bytes=12 * GIB, measured_bytes=10 * GIB),
        StepResult(name="broken", verdict="failed", error="no | room"),
    )
    report = CheckReport(code="stillhouse 1", started="now", gpus=("H100",), libraries={"torch": "2.13"}, steps=steps)
    page = as_markdown(report)
    assert "2 of 3 steps passed." in page
    assert "Forecast more than 15% off: far." in page
    assert "- **broken**: no &#124; room" in page
    assert [step["off_by"] for step in json.loads(as_json(report))["steps"]] == [
        pytest.approx(0.1),
        pytest.approx(0.2),
        None,
    ]


def test_check_without_a_gpu_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_check.main([]) == gpu_check.main(["--look"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("gpu-check: nvidia-smi lists no GPU here")


def test_check_writes_both_reports_and_leaves_no_models(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_check, "Place", FakePlace)
    monkeypatch.setattr(gpu_check, "library_versions", lambda _: {})
    assert gpu_check.check(MACHINE, tmp_path / "python", tmp_path / "reports") == 0
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"report.json", "report.md"}
    assert len(json.loads((tmp_path / "reports" / "report.json").read_text())["steps"]) == 7


def test_used_bytes_is_the_sum_of_what_the_driver_says_and_nothing_without_a_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert used_bytes() == 0
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 100\necho 200\n")
    driver.chmod(0o755)
    assert used_bytes() == 300 * 2**20


@pytest.mark.slow
def test_place_command_that_fails_is_one_line_with_what_it_said(tmp_path):
    place = Place(tmp_path, tmp_path / "python", MACHINE)
    with pytest.raises(WorkerError, match=r"stillhouse run no-such-recipe ended with code 2: .*No recipe"):
        place.stillhouse("run", "no-such-recipe")
