"""Measures each export on the test rows in the engine that serves it, and holds it to its student row by row."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.spec import EvaluateExportSpec, EvaluateExportSummary
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.reports.schema.report import Report
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.export import Exported
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


class EvaluateExportParams(Params):
    """What the export is asked, and how requests are timed."""

    role: ModelRole  # of the student that was exported
    skill: AnySkill
    labels: tuple[str, ...]
    max_tokens: int
    timed: tuple[int, ...]  # seed, warm requests, timed requests
    threads: Execution[int] = Field(1)
    evaluation: Execution[Evaluation]


@stage("evaluate_export", version=1, on_device=True)
def evaluate_export(call: StageCall[EvaluateExportParams]) -> EvaluateExportSummary:
    """Write answers.parquet and measurements.json of one export."""
    params = call.params
    spec = EvaluateExportSpec(
        role=params.role,
        folder=str(call.folder("export")),
        student=str(call.folder("student")),
        skill=params.skill,
        labels=params.labels,
        evaluation=params.evaluation,
        threads=params.threads,
        test=str(call.folder("split") / "test.parquet"),
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.EVALUATE_EXPORT, spec, EvaluateExportSummary)


@dataclass(frozen=True)
class MeasuredExport:
    """An export with its measurement."""

    exported: Exported
    built: Built[EvaluateExportSummary] | None  # None: nothing was exported


def build_evaluation(
    run: Run, key: str, role: ModelRole, labels: tuple[str, ...], inputs: Mapping[str, ArtifactRef]
) -> Built[EvaluateExportSummary]:
    """Return what one export answers, on as many threads as models in vLLM have.

    `role` is that of its student; `inputs` are the artifacts `split`, `export` and `student`.
    """
    recipe, evaluation = run.recipe, run.recipe.evaluation
    params = EvaluateExportParams(
        role=role,
        skill=recipe.skill,
        labels=labels,
        max_tokens=evaluation.max_tokens,
        timed=(evaluation.seed, evaluation.warm_requests, evaluation.latency_requests),
        threads=evaluation.engine.threads or len(os.sched_getaffinity(0)),
        evaluation=evaluation,
    )
    return run.build(evaluate_export, inputs, params, label=f"evaluate_export {key}")


def evaluate_exports(run: Run, rows: Rows, exports: Sequence[Exported]) -> list[MeasuredExport]:
    """Return what each export answers to the test rows, and how long it takes."""
    measured = []
    for one in exports:
        if one.built is None:
            measured.append(MeasuredExport(one, None))
            continue
        inputs = {"split": rows.splits.ref, "export": one.built.ref, "student": one.student.built.ref}
        built = build_evaluation(run, one.entry.key, one.student.role, rows.labels, inputs)
        run.ledger.append(machine_line(Expense.EVALUATION, built, run.recipe.costs.evaluation_usd_per_hour))
        measured.append(MeasuredExport(one, built))
    return measured


def passed_exports(report: Report, exports: Sequence[Exported]) -> dict[str, ArtifactRef]:
    """Return the exports of the compared student that lose no more than the gate allows, by their key."""
    return {
        one.entry.key: one.built.ref
        for one in exports
        if one.built is not None
        and one.student.role == report.comparison.student
        and report.exports[one.entry.key].verdict == "passed"
    }
