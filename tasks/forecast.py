"""Makes the plan out of the probes and of what the store holds by now, and shows it in Prefect."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.judge_forecast import Scored, read_scored
from stillhouse.planning.plan import Plan, make_plan
from stillhouse.planning.probe_result import Probed
from stillhouse.planning.tables import plan_markdown
from tasks.convert import fingerprint_of
from tasks.orchestration.run import Run
from tasks.probe import known_of, probe_label


@task(name="forecast", task_run_name="forecast", cache_policy=NO_CACHE, persist_result=False)
def forecast(
    run: Run,
    probes: list[ArtifactRef],
    scores: ArtifactRef | None,
    teachers: list[Checkpoint],
    judge: Checkpoint | None,
    sides: ArtifactRef,
    balanced: ArtifactRef,
) -> Plan:
    """Return what a run of the recipe will ask, take, cost and keep."""
    recipe, store = run.recipe, run.store
    found = [
        Probed(known, run.summary(probe_label(recipe, place)))
        for place, known in enumerate(known_of(run, teachers, probes))
    ]
    scored = _read_scored(run, judge, scores)
    labels = run.summary("validate")["labels"]
    plan = make_plan(found, scored, recipe, labels, store.fetch(balanced), store.fetch(sides))
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan


def _read_scored(run: Run, judge: Checkpoint | None, scores: ArtifactRef | None) -> Scored | None:
    asked = run.recipe.judge
    if judge is None or asked is None or scores is None:
        return None
    fingerprint, summary = fingerprint_of(judge, asked), run.summary("probe judge")
    return read_scored(run.store.fetch(scores), run.store, asked, fingerprint, summary)
