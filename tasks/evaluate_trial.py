"""Has a trial's student answer the validation rows, as it would answer test rows; no test row is read."""

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec, EvaluateSummary
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentModel
from tasks.orchestration.workers import Worker, run_engine_worker


class EvaluateTrialParams(Params):
    """How the student is asked and timed, and how many rows it answers."""

    skill: AnySkill
    labels: tuple[str, ...]
    settings: dict[str, Any]
    is_encoder: bool
    is_timed: bool
    max_rows: int
    evaluation: Execution[Evaluation]
    teacher: Execution[Teacher]  # a spec of an engine has one; it is not asked


@stage("evaluate_trial", version=1, on_device=True)
def evaluate_trial(call: StageCall[EvaluateTrialParams]) -> EvaluateSummary:
    """Write answers.parquet and measurements.json of one student on validation rows."""
    params, out = call.params, call.work.folder
    rows = _validation(call, out / "rows.parquet")
    if params.is_encoder:
        spec = EncoderEvaluateSpec(
            role=ModelRole.STUDENT,
            folder=str(call.folder("student")),
            skill=params.skill,
            labels=params.labels,
            evaluation=params.evaluation,
            test=str(rows),
            validation=None,
            out=str(out),
        )
        return run_engine_worker(call, Worker.EVALUATE_ENCODER, spec, EvaluateSummary)
    return _evaluate_text(call, rows)


def _evaluate_text(call: StageCall[EvaluateTrialParams], rows: Path) -> EvaluateSummary:
    params, answers = call.params, call.work.folder / "answers"
    candidate = Candidate(
        role=ModelRole.STUDENT,
        path=str(call.folder("student")),
        dtype=params.evaluation.student_dtype,
        engine=params.evaluation.engine,
        prompting="student",
        is_timed=params.is_timed,
    )
    spec = EvaluateSpec(
        candidates=(candidate,),
        teacher=params.teacher,
        prior=None,
        skill=params.skill,
        labels=params.labels,
        evaluation=params.evaluation,
        test=str(rows),
        examples=None,
        answers=str(answers),
        out=str(call.work.folder),
    )
    answers.mkdir()
    return run_engine_worker(call, Worker.EVALUATE, spec, EvaluateSummary, environment_for(candidate.engine))


def _validation(call: StageCall[EvaluateTrialParams], out: Path) -> Path:
    """Return a file with the validation rows, drawn if there are more than wanted."""
    whole, most = call.folder("split") / "validation.parquet", call.params.max_rows
    table = pq.read_table(whole)
    if table.num_rows <= most:
        return whole
    drawn = random.Random(call.params.evaluation.seed).sample(range(table.num_rows), most)
    pq.write_table(table.take(sorted(drawn)), out)
    return out


def measure_trial(
    run: Run, rows: Rows, student: StudentModel, *, max_rows: int, is_timed: bool
) -> Built[EvaluateSummary]:
    """Return a student's answers to the validation rows, and what it takes if `is_timed`."""
    recipe, evaluation = run.recipe, run.recipe.evaluation
    params = EvaluateTrialParams(
        skill=recipe.skill,
        labels=rows.labels,
        settings={
            "max_tokens": evaluation.max_tokens,
            "requests": [evaluation.warm_requests, evaluation.latency_requests, evaluation.concurrency],
            "seed": evaluation.seed,
            "dtype": evaluation.student_dtype,
            "engine": evaluation.engine.measured_identity,
        },
        is_encoder=student.is_encoder,
        is_timed=is_timed,
        max_rows=max_rows,
        evaluation=evaluation,
        teacher=recipe.teacher,
    )
    built = run.build(evaluate_trial, {"split": rows.splits.ref, "student": student.ref}, params)
    run.ledger.append(machine_line(Expense.EVALUATION, built, recipe.costs.evaluation_usd_per_hour))
    return built
