"""Has several replicas of the teacher share its prompts: on a Ray cluster, or on this machine."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture
from prefect.states import Crashed
from prefect.utilities.annotations import unmapped

from stillhouse.errors import UserError, WorkerError
from stillhouse.runtime.machine import engine_machine
from stillhouse.runtime.settings import Settings
from stillhouse.teachers.shards import Reply
from tasks.orchestration.replicas.local import ReplicaRunner, this_machine
from tasks.orchestration.replicas.ray_cluster import ray_cluster
from tasks.orchestration.replicas.shard_task import ShardJob, complete_shard

log = logging.getLogger("stillhouse")


def run_replicas(settings: Settings, job: ShardJob) -> list[Reply]:
    """Return what each replica did, once every request of the job has a stored completion.

    Raises:
        UserError: a replica failed. All completions that came are stored; a later run requests only the rest.
    """
    numbers = list(range(1, job.num_shards + 1))
    engine, address = job.params.teacher.engine, settings.ray_address
    machine = engine_machine(settings.engine_python)
    with ray_cluster(address, engine) if address else this_machine(engine, machine) as replicas:
        log.info("%-22s %d replicas, %s", job.label, job.num_shards, replicas.name)
        job = job.model_copy(update={"num_gpus": replicas.num_gpus, "gpu_groups": replicas.gpu_groups})
        # the runner is typed for what may be a coroutine
        futures = replicas.runner.map(complete_shard, {"number": numbers, "job": unmapped(job)})  # type: ignore[arg-type]
        outcomes = dict(zip(numbers, _outcomes(replicas, futures), strict=True))
    replies = [outcome for outcome in outcomes.values() if isinstance(outcome, Reply)]
    for reply in replies:
        done = (job.label, reply.shard + 1, job.num_shards, reply.summary.generated, reply.host)
        log.info("  %s %d/%d: %d answers on %s", *done)
    if len(replies) < job.num_shards:
        raise _failure({number: one for number, one in outcomes.items() if isinstance(one, BaseException)}, job)
    return replies


def _outcomes(replicas: ReplicaRunner, futures: Sequence[PrefectFuture[Reply]]) -> list[Reply | BaseException]:
    # in threads: the signal that cancels a run raises in the main thread, and inside Ray's own code that would be lost
    with ThreadPoolExecutor(len(futures)) as pool, ExitStack() as on_failure:
        on_failure.callback(replicas.cancel, futures)
        waiting = [pool.submit(copy_context().run, _outcome, future) for future in futures]
        outcomes = [one.result() for one in waiting]
        on_failure.pop_all()
        return outcomes


def _outcome(future: PrefectFuture[Reply]) -> Reply | BaseException:
    future.wait()
    outcome: Reply | BaseException = future.result(raise_on_failure=False)
    if isinstance(outcome, BaseException):
        _close(future.task_run_id, outcome)
    return outcome


def _close(task_run_id: UUID, error: BaseException) -> None:
    """End the task run in Prefect if it has not ended: one that was killed can't, and would seem to run for ever."""
    with get_client(sync_client=True) as client:
        try:
            state = client.read_task_run(task_run_id).state
        except ObjectNotFound:
            return
        if state is None or not state.is_final():
            client.set_task_run_state(task_run_id, Crashed(message=f"The replica was lost: {error!r}"), force=True)


def _failure(errors: dict[int, BaseException], job: ShardJob) -> UserError:
    first = next(iter(errors.values()))
    kind = type(first) if isinstance(first, UserError) else WorkerError
    lines = [
        # a user's error names its replica; what was killed can't
        str(error) if isinstance(error, UserError) else f"replica {number} of {job.num_shards} was lost: {error!r}"
        for number, error in errors.items()
    ]
    return kind(
        f"{job.label}: {len(errors)} of {job.num_shards} replicas failed. All answers that came are stored: the same "
        "command again asks only the rest.\n" + "\n".join(lines)
    )
