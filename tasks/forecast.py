"""Makes the plan out of the probes and of what the store holds by now, and shows it in Prefect."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import read_inputs
from stillhouse.planning.plan import Plan, make_plan
from stillhouse.planning.probe_result import ProbeResult, read_probe
from stillhouse.planning.tables import plan_markdown
from stillhouse.recipe.judge import SCORES
from tasks.convert import fingerprint_of
from tasks.orchestration.run import Run
from tasks.probe import read_probes


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
    judge_probe = _read_judge_probe(run, judge, scores)
    folders = run.store.fetch(balanced), run.store.fetch(sides)
    labels = run.summary("validate")["labels"]
    plan = make_plan(read_inputs(read_probes(run, teachers, probes), run.recipe, labels, *folders, judge_probe))
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan


def _read_judge_probe(run: Run, judge: Checkpoint | None, scores: ArtifactRef | None) -> ProbeResult | None:
    asked = run.recipe.judge
    if judge is None or asked is None or scores is None:
        return None
    model, fingerprint = asked.asked_for(SCORES), fingerprint_of(judge, asked)
    return read_probe(run.store.fetch(scores), run.store, model, fingerprint, run.summary("probe judge"))
