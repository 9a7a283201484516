"""A model that this machine can't serve is found before its engine starts, and a plan lists the memory of all."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stillhouse.inference.models import Checkpoint, identify
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.machine import Gpu, Machine
from stillhouse.runtime.settings import load_settings
from tasks.orchestration import model_memory
from tests.support.builders import make_recipe_fields
from tests.support.model_folder import write_model_folder

GIB = 2**30


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def on_gpu(gib: int) -> None:
        gpu = Gpu(index="0", uuid="GPU-0", name="of a test", memory_bytes=gib * GIB)
        monkeypatch.setattr(model_memory, "engine_machine", lambda _: Machine(gpus=(gpu,), memory_bytes=GIB))

    return on_gpu


def run_with(folder: Path, ray: str = "", **teacher: Any) -> tuple[Any, Checkpoint]:
    write_model_folder(folder)
    fields = make_recipe_fields()
    fields["teachers"][0] |= {"model": str(folder), **teacher}
    fields["student"] = {"model": "owner/student"}
    settings = load_settings().model_copy(update={"ray_address": ray})
    run = SimpleNamespace(recipe=parse_recipe(fields), settings=settings)
    model = identify(str(folder), "", settings.hashes)
    return run, Checkpoint(model=model, path=model.path)


def test_find_refusal_of_what_the_gpu_has_no_room_for(tmp_path, on_gpu):
    run, checkpoint = run_with(tmp_path)
    for gib in (80, 3):  # 3 GiB are no more than is assumed for CUDA alone: it may do
        on_gpu(gib)
        assert model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint) == ""
    on_gpu(0)
    refusal = model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint)
    assert refusal.startswith(f"Memory of teachers.0, {tmp_path}: ")
    assert "does not fit. It needs one GPU of 80" in refusal
    assert f"\n  vllm serve {tmp_path} " in refusal


def test_find_refusal_again_of_what_fits_reads_no_configuration(tmp_path, on_gpu, monkeypatch):
    run, checkpoint = run_with(tmp_path / "model")
    on_gpu(80)
    assert model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint) == ""
    with monkeypatch.context() as without:
        without.delattr(model_memory, "known_config")
        assert model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint) == ""
    on_gpu(0)
    assert "does not fit" in model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint)


def test_find_refusal_leaves_replicas_to_the_nodes_of_their_cluster(tmp_path, on_gpu):
    run, checkpoint = run_with(tmp_path, ray="10.0.0.5:6379", replicas=2)
    on_gpu(0)
    assert model_memory.find_refusal(run, "teachers.0", run.recipe.teacher, checkpoint) == ""


def test_models_memory_lists_teachers_and_what_the_student_is_made_from(tmp_path, on_gpu):
    run, checkpoint = run_with(tmp_path, sampling={"max_tokens": 100})
    on_gpu(80)
    teacher, student = model_memory.models_memory(run, [checkpoint], None)
    assert (teacher.field, teacher.verdict, teacher.weight_bytes) == ("teachers.0", "fits", 8)
    assert teacher.tokens == 2048  # as many as the model reads, of 4,096 and the 100 of a completion
    assert (student.field, student.model, student.verdict) == ("evaluation", "owner/student", "not known")


def test_models_memory_of_a_published_student_is_known_without_its_weights(tmp_path, on_gpu):
    run, checkpoint = run_with(tmp_path)
    student = run.recipe.student.model_copy(update={"model": "microsoft/Phi-4-mini-instruct"})
    run.recipe = run.recipe.model_copy(update={"student": student})
    on_gpu(80)
    _, memory = model_memory.models_memory(run, [checkpoint], None)
    assert (memory.verdict, memory.weight_bytes) == ("fits", 2 * 3_836_021_760)
