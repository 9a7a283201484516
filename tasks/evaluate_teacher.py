"""Asks a teacher behind an endpoint the test rows, once: a new student costs no further request."""

from stillhouse.artifacts.handle import Built
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import resolve_price
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Output, Sampling, Teacher
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_control_worker


class EvaluateTeacherParams(Params):
    """What the teacher is asked, and how many requests are timed."""

    teacher_fingerprint: str
    endpoint: Endpoint
    prompt: TeacherPrompt
    sampling: Sampling
    output: Output
    skill: AnySkill
    labels: tuple[str, ...]
    redacted: IfSet[bool] = False
    timed: tuple[int, ...]  # seed, warm requests, timed requests, concurrency
    teacher: Execution[Teacher]
    evaluation: Execution[Evaluation]
    cap: Execution[BudgetScope]


class EvaluateTeacherSummary(GenerationSummary):
    """What asking took; requests sent, and rows without an answer."""

    sent: int
    failed: int


@stage("evaluate_teacher", version=1, on_device=True)
def evaluate_teacher(call: StageCall[EvaluateTeacherParams]) -> EvaluateTeacherSummary:
    """Write answers.parquet and measurements.json of the teacher."""
    params, split = call.params, call.folder("split")
    spec = EvaluateApiSpec(
        model_path=params.teacher.model,
        teacher=params.teacher,
        teacher_fingerprint=params.teacher_fingerprint,
        skill=params.skill,
        labels=params.labels,
        skip_labelled=False,
        rows=(str(split / "test.parquet"),),
        examples=str(split / "examples.parquet"),
        store=call.settings.store,
        cap=params.cap,
        evaluation=params.evaluation,
        out=str(call.work.folder),
    )
    return EvaluateTeacherSummary.model_validate(run_control_worker(call, Worker.EVALUATE_API, spec))


def evaluate_api_teacher(run: Run, rows: Rows, checkpoint: Checkpoint) -> Built[EvaluateTeacherSummary]:
    """Return the answers and measurements of the teacher behind the recipe's endpoint."""
    recipe, evaluation = run.recipe, run.recipe.evaluation
    teacher = recipe.teacher.as_evaluated
    assert teacher.endpoint, "only a teacher behind an endpoint is measured apart"
    params = EvaluateTeacherParams(
        teacher_fingerprint=checkpoint.fingerprint_as(teacher),
        endpoint=teacher.endpoint,
        prompt=teacher.prompt,
        sampling=teacher.sampling,
        output=teacher.output,
        skill=recipe.skill,
        labels=rows.labels,
        **redaction(teacher.endpoint),
        timed=(evaluation.seed, evaluation.warm_requests, evaluation.latency_requests, evaluation.concurrency),
        teacher=teacher,
        evaluation=evaluation,
        cap=run.budget_for(teacher),
    )
    built = run.build(evaluate_teacher, {"split": rows.splits.ref}, params)
    price = resolve_price(recipe.teacher, recipe.costs)
    run.note_completions(Expense.TEST_ROWS, "teacher: test rows", built, price)
    return built
