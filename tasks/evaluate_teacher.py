"""Asks a teacher behind an endpoint the test rows, once: a new student costs no further request."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.ledger import usage_before
from stillhouse.costs.price import resolve_price
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from tasks.convert import fingerprint_of
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_control_worker


@stage("evaluate_teacher", version=1, on_device=True)
def evaluate_teacher(call: StageCall) -> dict[str, Any]:
    """Write answers.parquet and measurements.json of the teacher."""
    teacher, split = call.execution["teacher"], call.folder("split")
    spec = EvaluateApiSpec(
        model_path=teacher.model,
        teacher=teacher,
        teacher_fingerprint=call.identity["teacher_fingerprint"],
        skill=call.execution["skill"],
        labels=tuple(call.identity["labels"]),
        skip_labelled=False,
        rows=(str(split / "test.parquet"),),
        examples=str(split / "examples.parquet"),
        store=call.settings.store,
        cap=call.execution["cap"],
        evaluation=call.execution["evaluation"],
        out=str(call.work.folder),
    )
    return run_control_worker(call, Worker.EVALUATE_API, spec)


def evaluate_api_teacher(run: Run, sides: ArtifactRef, teacher: Checkpoint) -> ArtifactRef:
    """Return the answers and measurements of the teacher behind the recipe's endpoint."""
    recipe, evaluation = run.recipe, run.recipe.evaluation
    asked = recipe.teacher.as_measured
    assert asked.endpoint, "only a teacher behind an endpoint is measured apart"
    identity = {
        "teacher_fingerprint": fingerprint_of(teacher, asked),
        "endpoint": asked.endpoint,
        "prompt": asked.prompt,
        "sampling": asked.sampling,
        "output": asked.output,
        "skill": recipe.skill,
        "labels": run.summary("validate")["labels"],
        **redaction(asked.endpoint),
        "timed": [evaluation.seed, evaluation.warm_requests, evaluation.latency_requests, evaluation.concurrency],
    }
    return run.build(
        evaluate_teacher,
        {"split": sides},
        identity,
        teacher=asked,
        skill=recipe.skill,
        evaluation=evaluation,
        cap=BudgetScope(
            budget=recipe.budget, price=resolve_price(asked, recipe.costs), before=usage_before(run.results, recipe)
        ),
    )
