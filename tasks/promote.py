"""Makes a run's student the champion, if its gate passed."""

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from stillhouse.registry.reference import CHAMPION
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from stillhouse.reports.schema.report import Report
from tasks.orchestration.run import Run

log = logging.getLogger("stillhouse")


@task(name="promote", task_run_name="promote", cache_policy=NO_CACHE, persist_result=False)
def promote_student(run: Run, report: Report, version: ModelVersion) -> bool:
    """Make `version` the champion if the gate passed; return whether it is the champion now.

    A version that was champion before stays as it is: who took it back had a reason, and a nightly run has none.

    Raises:
        StoreError: the registry can't be read or written.
    """
    registry = ModelRegistry(run.store)
    is_champion = registry.aliases(version.name).get(CHAMPION) == version.version
    if is_champion or report.gate is None or not report.gate.passed:
        return is_champion
    moves = registry.history(version.name)
    if any((one.alias, one.target) == (CHAMPION, version.version) and one.action != "refuse" for one in moves):
        log.info("%s was champion before: `stillhouse models promote` makes it champion again", version.reference)
        return False
    registry.promote(version.name, version.version, who="gate", why=f"gate passed in {run.id}")
    return True
