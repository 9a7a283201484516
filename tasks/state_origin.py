"""Writes how the version that a run registered came about: data, answers, filters, weights, exports, scores."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from stillhouse.origin.write import write_statement
from stillhouse.registry.version import ModelVersion
from tasks.orchestration.run import Run


@task(name="state_origin", task_run_name="state-origin", cache_policy=NO_CACHE, persist_result=False)
def state_origin(run: Run, version: ModelVersion) -> None:
    """Write the statement of the version's origin beside it, if this run is the one that registered it.

    Raises:
        StoreError: the store can't be read or written.
    """
    # an earlier run that found the same student wrote it then, and its files may be gone
    if version.run_id == run.id:
        write_statement(run.store, version)
