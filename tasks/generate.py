"""Has the teacher answer every training and validation prompt that has no reference."""

import time
from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.ledger import usage_before
from stillhouse.costs.price import resolve_price
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from stillhouse.runtime.code_version import source_sha256
from stillhouse.teachers.shards import Reply, with_replies
from stillhouse.teachers.spec import GenerateSpec, tables_in
from tasks.convert import fingerprint_of
from tasks.orchestration.replicas.fan_out import ask_replicas
from tasks.orchestration.replicas.shard_task import ShardJob
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker


@stage("generate", version=1, on_device=True)
def generate(call: StageCall) -> dict[str, Any]:
    """Write completions.parquet; answers go to the completion store as they come."""
    teacher = call.execution["teacher"]
    spec = GenerateSpec(**asked_in(call), out=str(call.work.folder))
    summary = run_asking_worker(call, teacher, "generate", spec)
    return summary if teacher.endpoint else with_replies(summary, call.execution["replies"])


def asked_in(call: StageCall) -> dict[str, Any]:
    """Return the fields of a spec that say which rows a call asks which teacher about, and how."""
    routed = call.folder("routed") if "routed" in call.inputs else None
    return {
        "model_path": call.execution["path"],
        "teacher": call.execution["teacher"],
        "teacher_fingerprint": call.identity["teacher_fingerprint"],
        "skill": call.execution["skill"],
        "labels": tuple(call.identity["labels"]),
        "skip_labelled": call.identity["skip_labelled"],
        "check_labels": call.identity.get("check_labels", False),
        **tables_in(call.folder("split"), call.folder("balance"), routed),
        "store": call.settings.store,
        "cap": call.execution["cap"],
    }


def generate_with(
    run: Run,
    teacher: Checkpoint,
    sides: ArtifactRef,
    balanced: ArtifactRef,
    *,
    place: int = 0,
    routed: ArtifactRef | None = None,
) -> ArtifactRef:
    """Return the answers of the teacher at `place` in the recipe; only those that no earlier run stored are asked.

    Replicas, where the teacher has several, ask before the stage, which then finds every answer in the store. With
    `routed` only the prompts that it names are asked.
    """
    recipe = run.recipe
    asked = recipe.teachers[place]
    label = list(recipe.generations)[place]
    identity = generation_identity(run, teacher, place)
    inputs = {"split": sides, "balance": balanced, **teacher.inputs, **({"routed": routed} if routed else {})}
    replies: list[Reply] = []
    seconds = 0.0
    if asked.replicas > 1 and run.would_build(generate, inputs, identity):
        started = time.monotonic()
        replies = ask_replicas(run.settings, _shard_job(run, place, teacher, identity, inputs))
        seconds = time.monotonic() - started
    cap = BudgetScope(
        budget=recipe.budget, price=resolve_price(asked, recipe.costs), before=usage_before(run.results, recipe)
    )
    found = run.build(
        generate,
        inputs,
        identity,
        label=label,
        teacher=asked,
        skill=recipe.skill,
        path=teacher.path,
        replies=replies,
        cap=cap,
    )
    run.results[label].seconds += seconds
    return found


def generation_identity(run: Run, teacher: Checkpoint, place: int = 0) -> dict[str, Any]:
    """Return all that decides what the teacher at `place` is asked and answers, but for the rows."""
    recipe = run.recipe
    asked = recipe.teachers[place]
    identity = {
        "teacher_fingerprint": fingerprint_of(teacher, asked),
        "prompt": asked.prompt,
        "sampling": asked.sampling,
        "output": asked.output,
        "instruction": recipe.skill.instruction,
        "labels": run.summary("validate")["labels"],
        "skip_labelled": recipe.training.use_references,
        **{name: getattr(recipe.skill, name) for name in recipe.skill.prompt_fields},
    }
    if recipe.filters.check_labels:
        identity["check_labels"] = True
    if asked.endpoint:
        # a local teacher's fingerprint stays what it was before there were endpoints
        identity["endpoint"] = asked.endpoint
        identity |= redaction(asked.endpoint)
    return identity


def _shard_job(
    run: Run, place: int, teacher: Checkpoint, identity: dict[str, Any], inputs: dict[str, ArtifactRef]
) -> ShardJob:
    asked = run.recipe.teachers[place]
    return ShardJob(
        label=list(run.recipe.generations)[place],
        num_shards=asked.replicas,
        teacher=asked,
        checkpoint=teacher,
        teacher_fingerprint=identity["teacher_fingerprint"],
        skill=run.recipe.skill,
        labels=tuple(identity["labels"]),
        skip_labelled=identity["skip_labelled"],
        check_labels=run.recipe.filters.check_labels,
        split=inputs["split"],
        balance=inputs["balance"],
        routed=inputs.get("routed"),
        store=run.settings.store,
        source=source_sha256(),
    )
