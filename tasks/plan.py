"""Makes the plan out of the probe and of what the store holds by now, and shows it in Prefect."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.ref import ArtifactRef
from tasks.engines.checkpoints import Checkpoint
from tasks.planning.known import read_known
from tasks.planning.plan import Plan, make_plan
from tasks.planning.tables import plan_markdown
from tasks.run import Run
from tasks.teachers.api.request import num_logprobs
from tasks.teachers.completion import teacher_fingerprint


@task(name="forecast", task_run_name="forecast", cache_policy=NO_CACHE, persist_result=False)
def forecast(run: Run, probe: ArtifactRef, teacher: Checkpoint, sides: ArtifactRef, balanced: ArtifactRef) -> Plan:
    """Return what a run of the recipe will ask, take, cost and keep."""
    asked = run.recipe.teacher
    name = teacher_fingerprint(teacher.identity, asked.dtype, asked.quantization)
    wanted = num_logprobs(asked, asked.endpoint) if asked.endpoint else asked.sampling.logprobs
    known = read_known(run.store.fetch(probe), run.store, name, wanted)
    labels = run.summary("validate")["labels"]
    plan = make_plan(known, run.summary("probe"), run.recipe, labels, run.store.fetch(balanced), run.store.fetch(sides))
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan
