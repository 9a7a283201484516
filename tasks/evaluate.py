"""Measures teacher, baselines, student and the student without a teacher on the same test rows."""

import shutil
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.evidence import join_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec, EvaluateSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import read_prior
from tasks.balance import Rows
from tasks.orchestration.candidates import student_candidates, teacher_candidate, teacher_identity
from tasks.orchestration.compared_teacher import ComparedTeacher
from tasks.orchestration.model_answers import AnswersParams, ModelAnswers, rows_identity
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import Measurable, StudentBase, StudentModel
from tasks.orchestration.workers import Worker, run_engine_worker

# of a candidate; its engine is named in full beside it
_NOT_OF_ANSWERS = {"role", "path", "revision", "is_timed", "engine", "refusal"}


class EvaluateParams(Params):
    """What each model is and how it is prompted, and how all are measured."""

    teacher: tuple[Any, ...]  # all that decides the teacher's answers
    base: Any
    skill: AnySkill
    labels: tuple[str, ...]
    settings: dict[str, Any]  # how models are asked and timed
    zero_shot: IfSet[dict[str, Any]] = Field({})  # what the base's chat template is told
    teacher_validates: IfSet[bool] = False  # whether the teacher answers the validation rows too
    teacher_engine: IfSet[dict[str, Any]] = Field({})  # if it is not that of all models
    times_teacher: IfSet[bool] = True  # False also where teachers are tried, to find the best of several
    teacher_index: Execution[int] = 0
    evaluation: Execution[Evaluation]
    candidates: Execution[tuple[Candidate, ...]]
    teacher_config: Execution[Teacher]


@stage("evaluate", version=6, on_device=True)
def evaluate(call: StageCall[EvaluateParams]) -> EvaluateSummary:
    """Write answers.parquet, measurements.json and validation.parquet; keep each model's answers too."""
    params, split, answers = call.params, call.folder("split"), call.work.folder / "answers"
    is_calibrated = params.teacher_config.calibration == "batch"
    prior = read_prior(call.folder("filter"), params.teacher_index) if is_calibrated else None
    spec = EvaluateSpec(
        candidates=params.candidates,
        teacher=params.teacher_config,
        prior=prior,
        skill=params.skill,
        labels=params.labels,
        evaluation=params.evaluation,
        test=str(split / "test.parquet"),
        validation=str(split / "validation.parquet"),
        examples=str(split / "examples.parquet"),
        answers=str(answers),
        out=str(call.work.folder),
    )
    wanted = _answers(call, spec)
    answers.mkdir()
    found = (
        {}
        if call.is_refreshed
        else {role: one.ref.fingerprint for role, one in wanted.items() if one.fetch(call.store, answers / role)}
    )
    try:
        summary = run_engine_worker(
            call, Worker.EVALUATE, spec, EvaluateSummary, environment_for(_widest_engine(params.candidates))
        )
    finally:
        # also of a comparison that failed halfway: what was answered is not asked again
        for role, one in wanted.items():
            if role not in found and (answers / role).exists():
                one.keep(call.store, answers / role)
        shutil.rmtree(answers)
    if ModelRole.TEACHER in call.inputs:
        join_evidence(call.work.folder, call.folder(ModelRole.TEACHER))
    return summary.model_copy(update={"found": found})


def _answers(call: StageCall[EvaluateParams], spec: EvaluateSpec) -> dict[ModelRole, ModelAnswers]:
    """Return what each candidate's answers to the test rows are named by."""
    params, settings = call.params, spec.evaluation
    test = rows_identity(read_cases(spec.test, spec.skill))
    validation = rows_identity(read_cases(spec.validation, spec.skill)) if spec.validation else ""
    examples = rows_identity(read_cases(spec.examples, spec.skill), with_references=True) if spec.examples else ""
    # of another model only what its prompts are made of
    own = {"teacher": params.teacher, "zero_shot": (params.base, params.zero_shot)}
    found = {}
    for one in spec.candidates:
        is_teacher = one.prompting == "teacher"
        answering = AnswersParams(
            weights=own.get(one.prompting),
            served=one.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_OF_ANSWERS),
            teacher=(spec.prior, examples) if is_teacher else (),
            skill=spec.skill,
            labels=spec.labels,
            settings=_asked(settings, one.engine),
            rows=test,
            validation=validation if one.answers_validation else "",
        )
        inputs = {"model": call.inputs[one.role]} if one.role in call.inputs else {}
        found[one.role] = ModelAnswers(answering, inputs)
    return found


def _asked(settings: Evaluation, engine: Engine) -> dict[str, Any]:
    """Return what of an evaluation decides a model's answers and its throughput; `engine` is the model's own."""
    return {
        "max_tokens": settings.max_tokens,
        "warm_requests": settings.warm_requests,
        "concurrency": settings.concurrency,
        "engine": engine.measured_identity,
    }


def _timed(settings: Evaluation) -> dict[str, Any]:
    """Return what of an evaluation decides the times of single requests, besides what models are asked."""
    return {"latency_requests": settings.latency_requests, "seed": settings.seed}


def evaluate_models(
    run: Run,
    rows: Rows,
    dataset: Built[FilterSummary],
    teacher: ComparedTeacher,
    base: StudentBase,
    models: Sequence[Measurable],
) -> Built[EvaluateSummary]:
    """Return the answers and measurements of the teacher, of `models`, and of the main student's base.

    Encoders among `models` are measured in a stage of their own.
    """
    recipe, answered, main = teacher.recipe, teacher.answered, base.config
    trained: dict[str, ArtifactRef] = {model.role: model.ref for model in models if not model.is_encoder}
    inputs: dict[str, ArtifactRef] = {"split": rows.splits.ref, "filter": dataset.ref, **trained}
    if answered:
        inputs[ModelRole.TEACHER] = answered.ref
    folders = {ModelRole(role): str(run.store.fetch(ref)) for role, ref in trained.items()}
    candidates = student_candidates(recipe, base, folders)
    if not answered:
        candidates = (teacher_candidate(recipe, recipe.measured_teacher, teacher.checkpoint), *candidates)
    elif not candidates:
        # a teacher behind an endpoint, and encoders: no engine is needed
        found = EvaluateSummary(models=(ModelRole.TEACHER,), rows=answered.summary.requests)
        return Built(answered.label, answered.ref, found, answered.seconds, answered.is_cached)
    params = _params(recipe, recipe.measured_index, teacher.checkpoint, rows, candidates)
    own = {
        "base": base.checkpoint.identity if not main.is_encoder else None,
        "zero_shot": main.template_arguments | recipe.training.reasoning_identity,
    }
    return _build(run, inputs, params.model_copy(update=own), "evaluate")


def try_teacher(
    run: Run, rows: Rows, dataset: Built[FilterSummary], teacher_index: int, checkpoint: Checkpoint
) -> Built[EvaluateSummary]:
    """Return the answers of a teacher in an engine here, without times; a comparison with it finds them."""
    config = run.recipe.teachers[teacher_index]
    candidate = teacher_candidate(run.recipe, config, checkpoint).model_copy(update={"is_timed": False})
    params = _params(run.recipe, teacher_index, checkpoint, rows, (candidate,))
    inputs = {"split": rows.splits.ref, "filter": dataset.ref}
    return _build(run, inputs, params.model_copy(update={"times_teacher": False}), f"evaluate {config.display_name}")


def ask_student(
    run: Run, rows: Rows, dataset: Built[FilterSummary], student: StudentModel, label: str
) -> Built[EvaluateSummary]:
    """Return the answers of one student to the test rows of `rows`, without times and without another model's."""
    recipe = run.recipe
    folders = {student.role: str(run.store.fetch(student.ref))}
    found = student_candidates(recipe, student.base, folders)
    quiet = {"is_timed": False, "answers_validation": False}
    candidates = tuple(one.model_copy(update=quiet) for one in found if one.role is student.role)
    params = _params(
        recipe, 0, Checkpoint(model=student.base.checkpoint.model, path=student.base.checkpoint.path), rows, candidates
    )
    inputs = {"split": rows.splits.ref, "filter": dataset.ref, student.role: student.ref}
    return _build(run, inputs, params.model_copy(update={"teacher": ()}), label)


def _params(
    recipe: Recipe, teacher_index: int, checkpoint: Checkpoint, rows: Rows, candidates: tuple[Candidate, ...]
) -> EvaluateParams:
    config, settings = recipe.teachers[teacher_index], recipe.evaluation
    return EvaluateParams(
        teacher=teacher_identity(config, checkpoint),
        base=None,
        skill=recipe.skill,
        labels=rows.labels,
        settings=_asked(settings, settings.engine) | _timed(settings) | {"dtype": settings.student_dtype},
        teacher_validates=any(one.prompting == "teacher" and one.answers_validation for one in candidates),
        teacher_engine=_own_engine(settings, candidates),
        times_teacher=settings.time_teacher,
        evaluation=settings,
        candidates=candidates,
        teacher_config=config,
        teacher_index=teacher_index,
    )


def _own_engine(settings: Evaluation, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return the settings of the teacher's engine; none if it runs as all others do, or runs elsewhere."""
    engines = [one.engine for one in candidates if one.prompting == "teacher" and one.engine != settings.engine]
    return engines[0].measured_identity if engines else {}


def _widest_engine(candidates: Sequence[Candidate]) -> Engine:
    return max((one.engine for one in candidates), key=lambda engine: engine.num_gpus)


def _build(run: Run, inputs: dict[str, ArtifactRef], params: EvaluateParams, label: str) -> Built[EvaluateSummary]:
    built = run.build(evaluate, inputs, params, label=label)
    run.ledger.append(machine_line(Expense.EVALUATION, built, run.recipe.costs.evaluation_usd_per_hour))
    return built
