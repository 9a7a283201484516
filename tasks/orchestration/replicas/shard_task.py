"""A replica's share of the teacher's work as one mapped Prefect task, on a node of a Ray cluster or on this machine."""

import os
import socket
import threading
import time
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import StoreConfig, open_store
from stillhouse.config import StrictModel, identity
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.errors import ModelError, StoreError, UserError, WorkerError
from stillhouse.inference.models import Checkpoint, identify
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.runtime.code_version import source_sha256
from stillhouse.runtime.settings import Settings, load_settings
from stillhouse.runtime.unexpected import one_line_errors
from stillhouse.teachers.shards import Reply
from stillhouse.teachers.spec import ShardSpec
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.run import join_prefect
from tasks.orchestration.stage import is_transient
from tasks.orchestration.workers import Worker, run_engine_worker

GpuGroups = tuple[tuple[str, ...], ...]  # UUIDs of GPUs

# set when the run is cancelled: a task in a thread can't be interrupted, and looks here instead
cancelled = threading.Event()


class ShardJob(StrictModel):
    """What every replica works by. It holds references and no setting of a machine but the store's address."""

    label: str = "generate"  # what the generation is called in the run
    params: GenerationParams
    checkpoint: Checkpoint
    inputs: dict[str, ArtifactRef]  # of the generation
    store: StoreConfig
    source: str  # the code's fingerprint: other code may request under other keys
    num_gpus: int = 0  # GPUs that the cluster sets aside for each replica; 0: a replica takes the whole machine
    gpu_groups: GpuGroups = ()  # of this machine, without a cluster; replicas of one group wait for each other

    @property
    def num_shards(self) -> int:
        """Shards, and so replicas."""
        return self.params.teacher.replicas


@dataclass(frozen=True)
class _Call:
    settings: Settings
    label: str


@task(
    name="generate shard",
    task_run_name="{job.label} {number} of {job.num_shards}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=[5.0, 20.0],
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)
def complete_shard(number: int, job: ShardJob) -> Reply:
    """Answer the requests of shard `number` (from 1) that no stored answer covers, and return what it took.

    Raises:
        UserError: of the worker, beginning with the replica and its host.
    """
    # Ray is sent this function itself, with all globals it names: a module's function it is sent by name
    return _answer(number, job)


def _answer(number: int, job: ShardJob) -> Reply:
    join_prefect()
    host = socket.gethostname()
    label = f"{job.label} {number}/{job.num_shards}"
    try:
        with one_line_errors(label):
            summary = _run_worker(number, job, label)
    except UserError as error:
        raise type(error)(f"replica {number} of {job.num_shards} on {host}: {error}") from error
    return Reply(shard=number - 1, host=host, summary=summary, ended=time.time())


def _run_worker(number: int, job: ShardJob, label: str) -> GenerationSummary:
    call = _Call(_settings_here(job), label)
    return run_engine_worker(
        call,
        Worker.GENERATE_SHARD,
        _spec(call.settings, job, number - 1),
        GenerationSummary,
        environment_for(job.params.teacher.engine) | _share_of_machine(job, number),
        gpus=_gpus_here(job, number),
        stop=cancelled,
    )


def _settings_here(job: ShardJob) -> Settings:
    """Return this machine's settings with the run's store; the engine, scratch and keys are this machine's own."""
    if source_sha256() != job.source:
        raise WorkerError("it runs another version of Stillhouse than the flow. Bring all machines to the same commit.")
    own = load_settings()
    cache = {"cache_dir": own.store.cache_dir, "cache_gb": own.store.cache_gb}
    return own.model_copy(update={"store": job.store.model_copy(update=cache)})


def _spec(settings: Settings, job: ShardJob, shard: int) -> ShardSpec:
    store = open_store(settings.store)
    if any(store.find(ref.stage, ref.fingerprint) is None for ref in job.inputs.values()):
        raise StoreError(
            f"the store {settings.store.url} does not hold this run's artifacts here. A folder must be the same "
            "shared folder on every node; otherwise set STILLHOUSE_STORE to s3://bucket/prefix."
        )
    inputs = {name: store.fetch(ref) for name, ref in job.inputs.items()}
    path = str(inputs["checkpoint"]) if job.checkpoint.ref else _own_files(settings, job.checkpoint)
    params = job.params.model_copy(update={"model_path": path})
    return ShardSpec(**params.spec_fields(inputs, settings.store), shard=shard, num_shards=job.num_shards)


def _own_files(settings: Settings, teacher: Checkpoint) -> str:
    """Return where this machine has the teacher's files: they must lie here already."""
    here = identify(teacher.path, teacher.model.revision, settings.hashes)
    if identity(here) != teacher.identity:
        raise ModelError(f"the files of model {teacher.path} are not those of this run. Copy the run's files there.")
    return teacher.path


def _share_of_machine(job: ShardJob, number: int) -> dict[str, str]:
    """Return the variables that keep an engine to its group of the machine's GPUs, and to its share of the cores."""
    if not job.gpu_groups:
        return {}
    threads = job.params.teacher.engine.threads or len(os.sched_getaffinity(0)) // len(job.gpu_groups)
    return {"CUDA_VISIBLE_DEVICES": ",".join(_gpus_here(job, number)), "OMP_NUM_THREADS": str(max(1, threads))}


def _gpus_here(job: ShardJob, number: int) -> tuple[str, ...]:
    """Return the GPUs of replica `number`; none for the whole machine.

    On a cluster they are those that Ray has set aside for this task, by the name it gives them.
    """
    if job.gpu_groups:
        return job.gpu_groups[(number - 1) % len(job.gpu_groups)]
    if not job.num_gpus:
        return ()
    return tuple(gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu)
