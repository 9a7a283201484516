"""Measures teacher, baselines, student and the student without a teacher on the same test rows."""

import json
import shutil
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.evidence import join_evidence
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec, EvaluateSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.chat_template import TemplateSettings, settings_of
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import METRICS, AnySkill
from tasks.balance import Rows
from tasks.evaluate_teacher import evaluate_api_teacher
from tasks.orchestration.model_answers import AnswersParams, ModelAnswers, rows_identity
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase, StudentModel
from tasks.orchestration.workers import Worker, run_engine_worker


class EvaluateParams(Params):
    """What each model is and how it is prompted, and how all are measured."""

    teacher: tuple[Any, ...]  # all that decides the teacher's answers
    base: Any
    skill: AnySkill
    labels: tuple[str, ...]
    settings: dict[str, Any]  # how models are asked and timed
    zero_shot: IfSet[dict[str, Any]] = Field({})  # what the base's chat template is told
    teacher_validates: IfSet[bool] = False  # whether the teacher answers the validation rows too
    evaluation: Execution[Evaluation]
    candidates: Execution[tuple[Candidate, ...]]
    teacher_config: Execution[Teacher]


@stage("evaluate", version=6, on_device=True)
def evaluate(call: StageCall[EvaluateParams]) -> EvaluateSummary:
    """Write answers.parquet, measurements.json and validation.parquet; keep each model's answers too."""
    params, split, answers = call.params, call.folder("split"), call.work.folder / "answers"
    is_calibrated = params.teacher_config.calibration == "batch"
    prior = json.loads((call.folder("filter") / "calibration.json").read_text())["prior"] if is_calibrated else None
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
            call, Worker.EVALUATE, spec, EvaluateSummary, environment_for(params.evaluation.engine)
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
            served=one.model_dump(mode="json", exclude_defaults=True, exclude={"role", "path", "revision", "is_timed"}),
            teacher=(spec.prior, examples) if is_teacher else (),
            skill=spec.skill,
            labels=spec.labels,
            settings=_asked(settings),
            rows=test,
            validation=validation if one.answers_validation else "",
        )
        inputs = {"model": call.inputs[one.role]} if one.role in call.inputs else {}
        found[one.role] = ModelAnswers(answering, inputs)
    return found


def _asked(settings: Evaluation) -> dict[str, Any]:
    """Return what of an evaluation decides a model's answers and its throughput."""
    return {
        "max_tokens": settings.max_tokens,
        "warm_requests": settings.warm_requests,
        "concurrency": settings.concurrency,
        "engine": settings.engine.measured_identity,
    }


def _timed(settings: Evaluation) -> dict[str, Any]:
    """Return what of an evaluation decides the times of single requests, besides what models are asked."""
    return {"latency_requests": settings.latency_requests, "seed": settings.seed}


def evaluate_models(
    run: Run,
    rows: Rows,
    dataset: Built[FilterSummary],
    teacher: Checkpoint,
    base: StudentBase,
    models: Sequence[StudentModel],
) -> Built[EvaluateSummary]:
    """Return the answers and measurements of the teacher, of what is made of the students, and of the main one's base.

    Encoders among `models` are measured in a stage of their own.
    """
    recipe = run.recipe
    trained: dict[str, ArtifactRef] = {model.role: model.built.ref for model in models if not model.is_encoder}
    inputs: dict[str, ArtifactRef] = {"split": rows.splits.ref, "filter": dataset.ref, **trained}
    if recipe.measured_teacher.endpoint:
        answered = evaluate_api_teacher(run, rows, teacher)
        inputs[ModelRole.TEACHER] = answered.ref
    folders = {ModelRole(role): str(run.store.fetch(ref)) for role, ref in trained.items()}
    main = base.config
    candidates = _candidates(recipe, teacher, base, folders)
    if not candidates:
        # a teacher behind an endpoint, and encoders: no engine is needed
        found = EvaluateSummary(models=(ModelRole.TEACHER,), rows=answered.summary.requests)
        return Built(answered.label, answered.ref, found, answered.seconds, answered.is_cached)
    params = EvaluateParams(
        teacher=_teacher_identity(recipe.measured_teacher, teacher),
        base=base.checkpoint.identity if not main.is_encoder else None,
        skill=recipe.skill,
        labels=rows.labels,
        settings=_asked(recipe.evaluation) | _timed(recipe.evaluation) | {"dtype": recipe.evaluation.student_dtype},
        teacher_validates=any(one.prompting == "teacher" and one.answers_validation for one in candidates),
        evaluation=recipe.evaluation,
        zero_shot=main.template_arguments | recipe.training.reasoning_identity,
        candidates=candidates,
        teacher_config=recipe.measured_teacher,
    )
    evaluation = run.build(evaluate, inputs, params)
    run.ledger.append(machine_line(Expense.EVALUATION, evaluation, recipe.costs.evaluation_usd_per_hour))
    return evaluation


def _teacher_identity(config: Teacher, checkpoint: Checkpoint) -> tuple[Any, ...]:
    # named only if there are any: what was measured without stop texts stays valid
    stop = [config.sampling.stop] if config.sampling.stop else []
    told = [settings_of(config).model_dump()] if settings_of(config) != TemplateSettings() else []
    return (checkpoint.identity, config.dtype, config.quantization, config.prompt, config.output, *stop, *told)


def _candidates(
    recipe: Recipe, teacher: Checkpoint, base: StudentBase, trained: dict[ModelRole, str]
) -> tuple[Candidate, ...]:
    """Return what is measured, and how each is prompted; `trained` holds the folders of student checkpoints."""
    config, main, dtype = recipe.measured_teacher, base.config, recipe.evaluation.student_dtype
    local_teacher = Candidate(
        role=ModelRole.TEACHER,
        path=teacher.path,
        revision=config.revision,
        dtype=config.dtype,
        quantization=config.quantization,
        template=settings_of(config),
        prompting="teacher",
        # a cascade's threshold goes by what both are right on; where nobody knows, the teacher is not asked
        answers_validation=recipe.data.validation is not None
        and METRICS[recipe.evaluation.metrics[0]].kind != "corpus",
    )
    zero_shot = Candidate(
        role=ModelRole.BASELINE_ZERO_SHOT,
        path=base.checkpoint.path,
        revision=main.revision,
        dtype=dtype,
        template=settings_of(main) if main.chat_template == "model" else TemplateSettings(),
        without_reasoning=recipe.training.reasoning == "drop",
        prompting="zero_shot",
    )
    students = (
        Candidate(
            role=role,
            path=path,
            dtype=dtype,
            prompting="student",
            is_timed=role is not ModelRole.STUDENT_LABELLED_ONLY,
            answers_validation=role in STUDENTS,
        )
        for role, path in trained.items()
    )
    # a teacher behind an endpoint is measured in a stage of its own
    # an encoder writes no answer
    return (*(() if config.endpoint else (local_teacher,)), *(() if main.is_encoder else (zero_shot,)), *students)
