"""Has a teacher behind an endpoint complete the test rows, once: a new student costs no further request."""

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import resolve_price
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.generation import TeacherParams
from tasks.orchestration.params import Execution
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_control_worker


class EvaluateTeacherParams(TeacherParams):
    """A teacher's completions of the test rows, and how many requests are timed."""

    skill: AnySkill
    timed: tuple[int, ...]  # seed, warm requests, timed requests, concurrency
    evaluation: Execution[Evaluation]


class EvaluateTeacherSummary(GenerationSummary):
    """What the completions took; requests sent, and rows without an answer."""

    sent: int
    failed: int


@stage("evaluate_teacher", version=3, on_device=True)
def evaluate_teacher(call: StageCall[EvaluateTeacherParams]) -> EvaluateTeacherSummary:
    """Write answers.parquet and measurements.json of the teacher."""
    params, split = call.params, call.folder("split")
    spec = EvaluateApiSpec(
        model_path=params.model_path,
        teacher=params.teacher,
        teacher_fingerprint=params.fingerprint,
        skill=params.skill,
        labels=params.labels,
        skip_labelled=False,
        rows=(str(split / "test.parquet"),),
        examples=str(split / "examples.parquet"),
        store=call.settings.store,
        budget=params.budget,
        evaluation=params.evaluation,
        out=str(call.work.folder),
    )
    return run_control_worker(call, Worker.EVALUATE_API, spec, EvaluateTeacherSummary)


def evaluate_api_teacher(
    run: Run, rows: Rows, teacher_index: int, checkpoint: Checkpoint
) -> Built[EvaluateTeacherSummary]:
    """Return the answers and measurements of a teacher behind an endpoint."""
    recipe, evaluation, config = run.recipe, run.recipe.evaluation, run.recipe.teachers[teacher_index]
    teacher = config.as_evaluated
    params = EvaluateTeacherParams.of(
        run,
        teacher,
        checkpoint,
        rows.labels,
        teacher=teacher,
        skill=recipe.skill,
        timed=(evaluation.seed, evaluation.warm_requests, evaluation.latency_requests, evaluation.concurrency),
        evaluation=evaluation,
    )
    is_one_of_several = len(recipe.tested_teachers) > 1
    label = f"evaluate_teacher {config.display_name}" if is_one_of_several else "evaluate_teacher"
    built = run.build(evaluate_teacher, {"split": rows.splits.ref}, params, label=label)
    # one by one, so without the discount for batches
    price = resolve_price(config, recipe.costs)
    name = config.display_name if is_one_of_several else "teacher"
    run.note_completions(Expense.TEST_ROWS, f"{name}: test rows", built, price)
    return built
