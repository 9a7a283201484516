"""Has a teacher complete every training and validation prompt that has no reference."""

import time
from typing import Any, TypeVar

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.inference.models import Checkpoint
from stillhouse.runtime.code_version import source_sha256
from stillhouse.teachers.shards import with_replies
from stillhouse.teachers.spec import GenerateSpec
from tasks.balance import Rows
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.replicas.fan_out import run_replicas
from tasks.orchestration.replicas.shard_task import ShardJob
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_completion_worker

G = TypeVar("G", bound=GenerationParams)


@stage("generate", version=3, on_device=True)
def generate(call: StageCall[GenerationParams]) -> GenerationSummary:
    """Write completions.parquet; each completion goes to the completion store as it comes."""
    spec = GenerateSpec(**call.params.spec_fields(call.folders, call.settings.store), out=str(call.work.folder))
    return with_replies(run_completion_worker(call, "generate", spec), call.params.replies)


def generate_with(
    run: Run,
    teacher_index: int,
    checkpoint: Checkpoint,
    rows: Rows,
    routed: ArtifactRef | None = None,
    suffix: str = "",
) -> Built[GenerationSummary]:
    """Return a teacher's completions; only those that no earlier run stored are requested.

    Replicas, if the teacher has several, run before the stage, which then finds every completion in the store. With
    `routed` the teacher completes only the prompts that it names. Of several rounds each has a `suffix` of its own.
    """
    recipe, teacher = run.recipe, run.recipe.teachers[teacher_index]
    label = list(recipe.teachers_by_label)[teacher_index] + suffix
    params = generation_params(run, teacher_index, checkpoint, rows, GenerationParams)
    inputs = {**rows.inputs, **checkpoint.inputs, **({"routed": routed} if routed else {})}
    seconds = 0.0
    if teacher.replicas > 1 and run.would_build(generate, inputs, params):
        started = time.monotonic()
        job = ShardJob(
            label=label,
            params=params,
            checkpoint=checkpoint,
            inputs=inputs,
            store=run.settings.store,
            source=source_sha256(),
        )
        params = params.model_copy(update={"replies": tuple(run_replicas(run.settings, job))})
        seconds = time.monotonic() - started
    built = run.build(generate, inputs, params, label=label, seconds_before=seconds)
    name = teacher.display_name if recipe.has_several else "teacher"
    price = generation_price(teacher, recipe.costs)
    run.note_completions(Expense.GENERATION, f"{name}: prompts{suffix}", built, price)
    return built


def generation_params(run: Run, teacher_index: int, checkpoint: Checkpoint, rows: Rows, kind: type[G], **own: Any) -> G:
    """Return the parameters of a teacher's generation, or of a `kind` that adds its `own` fields to them."""
    recipe, teacher = run.recipe, run.recipe.asked_teacher(teacher_index)
    return kind.of(
        run,
        teacher,
        checkpoint,
        rows.labels,
        teacher=teacher,
        skill=recipe.skill,
        skill_fields={name: getattr(recipe.skill, name) for name in ("instruction", *recipe.skill.prompt_fields)},
        skip_labelled=recipe.training.use_references,
        check_labels=recipe.filters.check_labels,
        **own,
    )
