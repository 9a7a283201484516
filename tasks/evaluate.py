"""Measures teacher, baselines, student and the alternatives without a teacher on the same test rows."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.data.row import prompt_text
from stillhouse.evaluation.evidence import TFIDF_ANSWERS, join_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.evaluation.tfidf_baseline import tfidf_logistic_regression
from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.recipe import Recipe
from tasks.evaluate_teacher import evaluate_api_teacher
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker

# in the order they are measured
_STUDENTS = (ModelRole.STUDENT, ModelRole.BASELINE_UNTRAINED, ModelRole.STUDENT_LABELLED_ONLY)


@stage("evaluate", version=2, on_device=True)
def evaluate(call: StageCall) -> dict[str, Any]:
    """Write answers.parquet, measurements.json and, for the classical alternative, alternative.parquet."""
    split, filtered = call.folder("split"), call.folder("filter")
    evaluation = call.execution["evaluation"]
    spec = EvaluateSpec(
        candidates=call.execution["candidates"],
        teacher=call.execution["teacher"],
        prior=json.loads((filtered / "calibration.json").read_text())["prior"],
        skill=call.execution["skill"],
        labels=tuple(call.identity["labels"]),
        evaluation=evaluation,
        test=str(split / "test.parquet"),
        examples=str(split / "examples.parquet"),
        out=str(call.work.folder),
    )
    summary = run_engine_worker(call, Worker.EVALUATE, spec, environment_for(evaluation.engine))
    if evaluation.no_teacher_alternatives and call.execution["skill"].has_labels:
        _classical(call)
    if ModelRole.TEACHER in call.inputs:
        join_evidence(call.work.folder, call.folder(ModelRole.TEACHER))
    return summary


def evaluate_models(
    run: Run,
    sides: ArtifactRef,
    dataset: ArtifactRef,
    teacher: Checkpoint,
    base: Checkpoint,
    student: ArtifactRef,
    untrained: ArtifactRef,
    labelled_only: ArtifactRef | None,
) -> ArtifactRef:
    """Return the answers and measurements of every model of the comparison."""
    recipe = run.recipe
    inputs = {
        "split": sides,
        "filter": dataset,
        ModelRole.STUDENT: student,
        ModelRole.BASELINE_UNTRAINED: untrained,
    }
    if labelled_only:
        inputs[ModelRole.STUDENT_LABELLED_ONLY] = labelled_only
    asked = recipe.teacher
    # named only where there is any: what was measured without stays valid
    stop = [asked.sampling.stop] if asked.sampling.stop else []
    identity = {
        "teacher": [teacher.identity, asked.dtype, asked.quantization, asked.prompt, asked.output, *stop],
        "base": base.identity,
        "skill": recipe.skill,
        "labels": run.summary("validate")["labels"],
        "evaluation": recipe.evaluation,
        # measured numbers depend on the engine's settings; here they are part of what is compared
        "engine": recipe.evaluation.engine.model_dump(),
    }
    trained = {role: str(run.store.fetch(inputs[role])) for role in _STUDENTS if role in inputs}
    if asked.endpoint:
        inputs[ModelRole.TEACHER] = evaluate_api_teacher(run, sides, teacher)
    return run.build(
        evaluate,
        inputs,
        identity,
        candidates=_candidates(recipe, teacher, base, trained),
        teacher=asked,
        skill=recipe.skill,
        evaluation=recipe.evaluation,
    )


def _candidates(
    recipe: Recipe, teacher: Checkpoint, base: Checkpoint, trained: dict[ModelRole, str]
) -> tuple[Candidate, ...]:
    """Return what is measured, and how each is asked; `trained` holds the folders of student checkpoints."""
    asked, dtype = recipe.teacher, recipe.evaluation.student_dtype
    served_here = Candidate(
        role=ModelRole.TEACHER,
        path=teacher.path,
        revision=asked.revision,
        dtype=asked.dtype,
        quantization=asked.quantization,
        prompting="teacher",
    )
    return (
        # one behind an endpoint is measured apart
        *(() if asked.endpoint else (served_here,)),
        Candidate(
            role=ModelRole.BASELINE_ZERO_SHOT,
            path=base.path,
            revision=recipe.student.revision,
            dtype=dtype,
            prompting="zero_shot",
        ),
        *(
            Candidate(
                role=role,
                path=path,
                dtype=dtype,
                prompting="student",
                is_timed=role is not ModelRole.STUDENT_LABELLED_ONLY,
            )
            for role, path in trained.items()
        ),
    )


def _classical(call: StageCall) -> None:
    """Write what TF-IDF with logistic regression on the labelled rows answers."""
    split = call.folder("split")
    labelled = [row for row in pq.read_table(split / "examples.parquet").to_pylist() if row["references"]]
    if len({row["references"][0] for row in labelled}) < 2:
        return
    test = pq.read_table(split / "test.parquet").to_pylist()
    answers = tfidf_logistic_regression(
        [prompt_text(row["messages"]) for row in labelled],
        [row["references"][0] for row in labelled],
        [prompt_text(row["messages"]) for row in test],
        seed=call.execution["evaluation"].seed,
    )
    table = {"row_id": [row["id"] for row in test], "answer": list(answers)}
    pq.write_table(pa.table(table), call.work.folder / TFIDF_ANSWERS)
