"""Makes the plan out of the probes and of what the store holds by now, and shows it in Prefect."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.ref import ArtifactRef
from tasks.checkpoint import fingerprint_of
from tasks.engines.checkpoints import Checkpoint
from tasks.planning.known import Probed, read_known
from tasks.planning.plan import Plan, make_plan
from tasks.planning.tables import plan_markdown
from tasks.probe import probe_label
from tasks.run import Run


@task(name="forecast", task_run_name="forecast", cache_policy=NO_CACHE, persist_result=False)
def forecast(
    run: Run, probes: list[ArtifactRef], teachers: list[Checkpoint], sides: ArtifactRef, balanced: ArtifactRef
) -> Plan:
    """Return what a run of the recipe will ask, take, cost and keep."""
    recipe, store = run.recipe, run.store
    found = [
        Probed(
            known=read_known(store.fetch(ref), store, asked, fingerprint_of(teacher, asked)),
            summary=run.summary(probe_label(recipe, place)),
        )
        for place, (ref, teacher, asked) in enumerate(zip(probes, teachers, recipe.teachers, strict=True))
    ]
    plan = make_plan(found, recipe, run.summary("validate")["labels"], store.fetch(balanced), store.fetch(sides))
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan
