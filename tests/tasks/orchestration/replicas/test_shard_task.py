"""What a node checks before it asks: that it has the run's code, store and teacher."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.errors import ModelError, StoreError, WorkerError
from stillhouse.inference.models import Checkpoint, identify
from stillhouse.recipe.teacher import Teacher
from stillhouse.runtime.code_version import source_sha256
from stillhouse.skills.classification import Classification
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.replicas import shard_task
from tasks.orchestration.replicas.shard_task import ShardJob, complete_shard

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # log lines without a Prefect run


def artifact(store: Store, stage: str) -> ArtifactRef:
    with store.workspace(stage, 1, "f" * 64, {}, {}) as work:
        for name in ("train", "validation", "examples"):
            (work.folder / f"{name}.parquet").touch()
        return work.commit({}, {}).ref


@pytest.fixture
def job(tmp_path: Path) -> ShardJob:
    store = Store(StoreConfig(url=str(tmp_path / "store")))
    model = tmp_path / "teacher"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"weights")
    known = identify(str(model), "", HashMemory(tmp_path / "hashes"))
    checkpoint = Checkpoint(model=known, path=str(model))
    teacher = Teacher(model=str(model), replicas=2)
    params = GenerationParams(
        fingerprint=checkpoint.fingerprint_as(teacher),
        teacher=teacher,
        skill=Classification(labels=("a", "b")),
        skill_fields={},
        labels=("a", "b"),
        skip_labelled=True,
        model_path=str(model),
        budget=BudgetScope(),
    )
    return ShardJob(
        params=params,
        checkpoint=checkpoint,
        inputs={"split": artifact(store, "split"), "balance": artifact(store, "balance")},
        store=store.config,
        source=source_sha256(),
    )


def changed(job: ShardJob, **fields: Any) -> ShardJob:
    return job.model_copy(update=fields)


def test_shard_on_a_ready_node_starts_its_own_engine(job: ShardJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STILLHOUSE_ENGINE_PYTHON", str(tmp_path / "nodes-own-python"))
    with pytest.raises(WorkerError, match=r"replica 2 of 2 on .*: The engine's Python is not at .*nodes-own-python"):
        complete_shard.fn(2, job)


def test_shard_on_a_node_with_other_code_is_refused(job: ShardJob):
    with pytest.raises(WorkerError, match=r"replica 1 of 2 on .*another version of Stillhouse.*same commit"):
        complete_shard.fn(1, changed(job, source="0" * 64))


def test_shard_on_a_node_that_does_not_share_the_folder_is_refused(job: ShardJob, tmp_path: Path):
    with pytest.raises(StoreError, match=r"replica 1 of 2 on .*the same shared folder on every node.*s3://"):
        complete_shard.fn(1, changed(job, store=job.store.model_copy(update={"url": str(tmp_path / "own")})))


def test_shard_on_a_node_that_does_not_see_which_prompts_are_its_teachers_is_refused(job: ShardJob):
    routed = ArtifactRef(stage="route", fingerprint="e" * 64)
    with pytest.raises(StoreError, match=r"replica 1 of 2 on .*does not hold this run's artifacts"):
        complete_shard.fn(1, changed(job, inputs={**job.inputs, "routed": routed}))


def test_shard_on_a_machine_of_several_gpus_keeps_to_its_own(job: ShardJob, monkeypatch: pytest.MonkeyPatch):
    started: list[tuple[str, tuple[str, ...]]] = []

    def run_engine_worker(call: Any, worker: str, spec: Any, summary: Any, environment: Any, **options: Any) -> Any:
        started.append((environment.get("CUDA_VISIBLE_DEVICES"), options["gpus"]))
        return GenerationSummary()

    monkeypatch.setattr(shard_task, "run_engine_worker", run_engine_worker)
    on_gpus = changed(job, gpu_groups=(("GPU-a", "GPU-b"), ("GPU-c", "GPU-d")))
    for number in (1, 2, 3):
        complete_shard.fn(number, on_gpus)
    complete_shard.fn(1, job)
    # a third has a group that another may hold: the lock of its GPUs has them wait
    assert started == [
        ("GPU-a,GPU-b", ("GPU-a", "GPU-b")),
        ("GPU-c,GPU-d", ("GPU-c", "GPU-d")),
        ("GPU-a,GPU-b", ("GPU-a", "GPU-b")),
        (None, ()),
    ]


@pytest.mark.parametrize("damage", ["other", "gone"])
def test_shard_on_a_node_without_the_runs_teacher_is_refused(job: ShardJob, tmp_path: Path, damage: str):
    if damage == "other":
        (tmp_path / "teacher" / "model.safetensors").write_bytes(b"other weights")
    else:
        shutil.rmtree(tmp_path / "teacher")
    with pytest.raises(ModelError, match=r"replica 1 of 2 on .*(not those of this run|does not exist)"):
        complete_shard.fn(1, job)


def test_source_sha256_changes_with_any_file_and_with_nothing_else(tmp_path: Path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "deeper" / "b.py").write_text("two")
    before = source_sha256([tmp_path])
    (tmp_path / "notes.txt").write_text("no code")
    assert source_sha256([tmp_path]) == before
    (tmp_path / "deeper" / "b.py").write_text("three")
    assert source_sha256([tmp_path]) != before
    (tmp_path / "deeper" / "b.py").write_text("two")
    (tmp_path / "deeper" / "b.py").rename(tmp_path / "deeper" / "c.py")
    assert source_sha256([tmp_path]) != before
