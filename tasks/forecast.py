"""Makes the plan out of the probes and of what the store holds by now, and shows it in Prefect."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.data.row import Row
from stillhouse.gate.looks import next_look, test_set_of
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import HeldOut, PlanInputs
from stillhouse.planning.plan import Plan, make_plan
from stillhouse.planning.tables import plan_markdown
from stillhouse.recipe.judge import SCORES
from stillhouse.skills.cases import read_cases, read_splits
from stillhouse.teachers.probe_result import ProbeResult, read_probe
from tasks.balance import Rows
from tasks.orchestration.compatibility import named_compatibility
from tasks.orchestration.model_memory import models_memory, named_models_memory, named_teachers
from tasks.orchestration.probes import Probes, read_probes
from tasks.orchestration.run import Run
from tasks.orchestration.training_memory import trainings_memory


@task(name="forecast", task_run_name="forecast", cache_policy=NO_CACHE, persist_result=False)
def forecast(
    run: Run,
    rows: Rows,
    teachers: list[Checkpoint],
    probes: Probes,
    judge: Checkpoint | None,
    scores: Built[GenerationSummary] | None,
) -> Plan:
    """Return what a run of the recipe will request, take, cost and keep, and the memory of its models."""
    splits = _splits(run, rows)
    teacher_probes, judge_probe = read_probes(run, teachers, probes), _read_judge_probe(run, judge, scores)
    memory, training = models_memory(run, teachers, judge), tuple(trainings_memory(run))
    inputs = PlanInputs(
        run.recipe,
        rows.labels,
        teacher_probes,
        splits,
        judge_probe,
        memory,
        training,
        named_compatibility(run, teachers),
        test_rows=_test_rows(run, rows),
    )
    plan = make_plan(inputs)
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan


@task(name="forecast", task_run_name="forecast", cache_policy=NO_CACHE, persist_result=False)
def forecast_offline(run: Run, rows: Rows, listed: list[ProbeResult]) -> Plan:
    """Return what is known of a run before any model was asked: its requests, their bounds, and the models' memory."""
    memory, training = named_models_memory(run), tuple(trainings_memory(run))
    compatibility = named_compatibility(run, named_teachers(run))
    splits, test = _splits(run, rows), _test_rows(run, rows)
    inputs = PlanInputs(
        run.recipe, rows.labels, listed, splits, None, memory, training, compatibility, test, is_offline=True
    )
    plan = make_plan(inputs)
    create_markdown_artifact(markdown=plan_markdown(plan), key="plan")
    return plan


def _splits(run: Run, rows: Rows) -> tuple[list[Row], list[Row]]:
    return read_splits(run.store.fetch(rows.train.ref), run.store.fetch(rows.splits.ref), run.recipe.skill)


def _test_rows(run: Run, rows: Rows) -> HeldOut:
    """Return how many test rows there are, and the number of the gate's next look at them."""
    test = read_cases(run.store.path(rows.splits.ref, "test.parquet"), run.recipe.skill)
    return HeldOut(len(test), next_look(run.store, test_set_of(test)))


def _read_judge_probe(
    run: Run, judge: Checkpoint | None, scores: Built[GenerationSummary] | None
) -> ProbeResult | None:
    config = run.recipe.judge
    if judge is None or config is None or scores is None:
        return None
    model, fingerprint = config.as_teacher(SCORES), judge.fingerprint_as(config)
    return read_probe(run.store.fetch(scores.ref), run.store, model, fingerprint, scores.summary)
