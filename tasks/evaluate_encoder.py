"""Measures encoder students on the test rows, as they are served: int8 in onnxruntime."""

from collections.abc import Sequence

from pydantic import Field

from stillhouse.artifacts.handle import Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import Measurable
from tasks.orchestration.workers import Worker, run_engine_worker


class EvaluateEncoderParams(Params):
    """The student's part, what it is asked, and how requests are timed."""

    role: ModelRole
    skill: AnySkill
    labels: tuple[str, ...]
    timed: tuple[int, ...]  # seed, warm requests, timed requests
    answers_validation: bool = Field(alias="validation")
    evaluation: Execution[Evaluation]


@stage("evaluate_encoder", version=1, on_device=True)
def evaluate_encoder(call: StageCall[EvaluateEncoderParams]) -> EvaluateSummary:
    """Write answers.parquet, validation.parquet and measurements.json of one encoder student."""
    params = call.params
    spec = EncoderEvaluateSpec(
        role=params.role,
        folder=str(call.folder("student")),
        skill=params.skill,
        labels=params.labels,
        evaluation=params.evaluation,
        test=str(call.folder("split") / "test.parquet"),
        validation=str(call.folder("split") / "validation.parquet") if params.answers_validation else None,
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.EVALUATE_ENCODER, spec, EvaluateSummary)


def evaluate_encoders(run: Run, rows: Rows, models: Sequence[Measurable]) -> list[Built[EvaluateSummary]]:
    """Return the answers and measurements of each encoder among the models."""
    recipe, evaluation = run.recipe, run.recipe.evaluation
    measured = []
    for model in models:
        if not model.is_encoder:
            continue
        params = EvaluateEncoderParams(
            role=model.role,
            skill=recipe.skill,
            labels=rows.labels,
            timed=(evaluation.seed, evaluation.warm_requests, evaluation.latency_requests),
            answers_validation=model.role in STUDENTS,
            evaluation=evaluation,
        )
        inputs = {"split": rows.splits.ref, "student": model.ref}
        built = run.build(evaluate_encoder, inputs, params, label=f"evaluate_encoder {model.role}")
        run.ledger.append(machine_line(Expense.EVALUATION, built, recipe.costs.evaluation_usd_per_hour))
        measured.append(built)
    return measured
