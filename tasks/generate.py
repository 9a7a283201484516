"""Has a teacher complete every training and validation prompt that has no reference."""

import time
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Output, Sampling, Teacher
from stillhouse.runtime.code_version import source_sha256
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.shards import Reply, with_replies
from stillhouse.teachers.spec import GenerateSpec, tables_in
from tasks.balance import Rows
from tasks.orchestration.params import Execution, IfSet, Merged, Params
from tasks.orchestration.replicas.fan_out import ask_replicas
from tasks.orchestration.replicas.shard_task import ShardJob
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker


class GenerationParams(Params):
    """All that decides what a teacher is asked and how it completes, but for the rows."""

    teacher_fingerprint: str
    prompt: TeacherPrompt
    sampling: Sampling
    output: Output
    instruction: str
    labels: tuple[str, ...]
    skip_labelled: bool
    skill_fields: Merged[dict[str, Any]]  # the skill's own, where they change what a teacher is shown
    check_labels: IfSet[bool] = False
    # a local teacher's fingerprint stays what it was before there were endpoints
    endpoint: IfSet[Endpoint | None] = None
    redacted: IfSet[bool] = False
    teacher: Execution[Teacher]
    skill: Execution[AnySkill]
    path: Execution[str]
    cap: Execution[BudgetScope]
    replies: Execution[tuple[Reply, ...]] = ()


@stage("generate", version=1, on_device=True)
def generate(call: StageCall[GenerationParams]) -> GenerationSummary:
    """Write completions.parquet; each completion goes to the completion store as it comes."""
    spec = GenerateSpec(**spec_fields(call), out=str(call.work.folder))
    summary = run_asking_worker(call, call.params.teacher, "generate", spec)
    return GenerationSummary.model_validate(with_replies(summary, call.params.replies))


def spec_fields(call: StageCall[Any]) -> dict[str, Any]:
    """Return the fields of a worker's spec that say which rows a call asks which teacher about, and how."""
    params: GenerationParams = call.params
    routed = call.folder("routed") if "routed" in call.inputs else None
    return {
        "model_path": params.path,
        "teacher": params.teacher,
        "teacher_fingerprint": params.teacher_fingerprint,
        "skill": params.skill,
        "labels": params.labels,
        "skip_labelled": params.skip_labelled,
        "check_labels": params.check_labels,
        **tables_in(call.folder("split"), call.folder("balance"), routed),
        "store": call.settings.store,
        "cap": params.cap,
    }


def generate_with(
    run: Run, teacher_index: int, checkpoint: Checkpoint, rows: Rows, routed: ArtifactRef | None = None
) -> Built[GenerationSummary]:
    """Return a teacher's completions; only those that no earlier run stored are asked for.

    Replicas, if the teacher has several, ask before the stage, which then finds every completion in the store. With
    `routed` only the prompts that it names are asked.
    """
    recipe, teacher = run.recipe, run.recipe.teachers[teacher_index]
    label = list(recipe.generations)[teacher_index]
    params = generation_params(run, teacher_index, checkpoint, rows.labels)
    inputs = {**rows.inputs, **checkpoint.inputs, "routed": routed}
    seconds = 0.0
    if teacher.replicas > 1 and run.would_build(generate, inputs, params):
        started = time.monotonic()
        job = _shard_job(run, label, checkpoint, params, rows, routed)
        params = params.model_copy(update={"replies": tuple(ask_replicas(run.settings, job))})
        seconds = time.monotonic() - started
    built = run.build(generate, inputs, params, label=label, seconds_before=seconds)
    price = generation_price(teacher, recipe.costs)
    name = teacher.display_name if recipe.has_several else "teacher"
    run.note_completions(Expense.GENERATION, f"{name}: lessons", built, price)
    return built


def generation_params(
    run: Run, teacher_index: int, checkpoint: Checkpoint, labels: tuple[str, ...]
) -> GenerationParams:
    """Return the parameters of a teacher's generation."""
    recipe, teacher = run.recipe, run.recipe.teachers[teacher_index]
    return GenerationParams(
        teacher_fingerprint=checkpoint.fingerprint_as(teacher),
        prompt=teacher.prompt,
        sampling=teacher.sampling,
        output=teacher.output,
        instruction=recipe.skill.instruction,
        labels=labels,
        skip_labelled=recipe.training.use_references,
        skill_fields={name: getattr(recipe.skill, name) for name in recipe.skill.prompt_fields},
        check_labels=recipe.filters.check_labels,
        endpoint=teacher.endpoint,
        **(redaction(teacher.endpoint) if teacher.endpoint else {}),
        teacher=teacher,
        skill=recipe.skill,
        path=checkpoint.path,
        cap=run.budget_for(teacher),
    )


def _shard_job(
    run: Run, label: str, checkpoint: Checkpoint, params: GenerationParams, rows: Rows, routed: ArtifactRef | None
) -> ShardJob:
    return ShardJob(
        label=label,
        num_shards=params.teacher.replicas,
        teacher=params.teacher,
        checkpoint=checkpoint,
        teacher_fingerprint=params.teacher_fingerprint,
        skill=params.skill,
        labels=params.labels,
        skip_labelled=params.skip_labelled,
        check_labels=params.check_labels,
        split=rows.splits.ref,
        balance=rows.train.ref,
        routed=routed,
        store=run.settings.store,
        source=source_sha256(),
    )
