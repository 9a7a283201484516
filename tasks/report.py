"""Writes the run's report, page and cards, and shows them in Prefect. Rebuilt in every run."""

import json
import logging
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil
import pyarrow.parquet as pq
from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import ledger_lines, total
from stillhouse.evaluation.evidence import read_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports import collect
from stillhouse.reports.build import build_report, report_json, with_gate
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.gate import evaluate_gate
from stillhouse.reports.html import render_html
from stillhouse.reports.judged import judge_block
from stillhouse.reports.ledger import ledger_block
from stillhouse.reports.method import method_statements
from stillhouse.reports.schema.report import Report
from stillhouse.reports.tables import comparison_rows, summary_markdown
from stillhouse.reports.teachers import teacher_blocks
from stillhouse.runtime.code_version import commit
from tasks.gate_event import announce_gate
from tasks.judge import judge_stage
from tasks.judge_pairs import judge_pairs_stage
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageResult

log = logging.getLogger("stillhouse")


@task(name="report", task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def write_report(run: Run, teachers: list[Checkpoint], base: Checkpoint, judge: Checkpoint | None = None) -> Report:
    """Write report.json, report.html, recipe.yaml and the cards under runs/<run id>/, and return the report.

    Raises:
        RecipeError: a gate rule names no number of the report.
    """
    report = _build(run, teachers, base, judge)
    folder = f"runs/{run.id}"
    files = {
        "report.json": report_json(report),
        "report.html": render_html(report),
        "recipe.yaml": _yaml(run.recipe),
        "model_card.md": model_card(report),
        "data_card.md": data_card(report),
        "artifacts.json": json.dumps(
            {label: result.ref.model_dump() for label, result in run.results.items()}, indent=1
        ),
    }
    for name, text in files.items():
        run.store.put_text(f"{folder}/{name}", text)
    address = run.settings.report_link(run.id)
    _show(report, address)
    announce_gate(report.gate, run.recipe.name, address)
    return report


def _build(run: Run, teachers: list[Checkpoint], base: Checkpoint, judge: Checkpoint | None) -> Report:
    recipe, store, results = run.recipe, run.store, run.results
    summaries = {label: result.summary for label, result in results.items()}
    evidence = read_evidence(
        store.path(results["split"].ref, "test.parquet"),
        store.fetch(results["evaluate"].ref),
        summaries["validate"]["labels"],
        recipe.skill,
    )
    blocks = collect.model_blocks(evidence, _names(recipe, teachers[0], base), recipe)
    ledger = ledger_block(ledger_lines(results, recipe), blocks)
    comparison, which = collect.comparison_block(evidence, blocks, recipe)
    measured = results["evaluate"]
    report = build_report(
        run_id=run.id,
        recipe=recipe.model_dump(mode="json"),
        skill=recipe.skill.kind,
        data=collect.data_block(summaries),
        generation=generation_of(run),
        filter=collect.filter_block(summaries["filter"]),
        training=collect.training_block(summaries["train"]),
        models=_carried(collect.with_baseline(blocks, which), measured.ref.fingerprint if measured.cached else None),
        comparison=comparison,
        stages={
            label: {"seconds": round(result.seconds, 3), "cached": result.cached, "fingerprint": result.ref.fingerprint}
            for label, result in results.items()
        },
        method=method_statements(recipe),
        ledger=ledger,
        funnel=collect.funnel(summaries),
        curves=collect.curves(summaries["train"]),
        confusion=collect.confusion_block(evidence) if recipe.skill.has_labels else None,
        judge=judge_report(run, judge, teachers, base) if judge else None,
        disagreements=collect.disagreements(evidence, recipe.skill),
        mislabelled=_mislabelled(run),
        licences=_licences(recipe, teachers),
        provenance=_provenance(),
    )
    return with_gate(report, evaluate_gate(report.model_dump(mode="json"), recipe.gate))


def generation_of(run: Run) -> dict[str, Any]:
    """Return what this run asked: of all teachers and, where there are several, of each."""
    generations = run.recipe.generations
    requested = {teacher.called: _of_this_run(run.results.get(label)) for label, teacher in generations.items()}
    paid = {line.stage: line.run_usd for line in ledger_lines(run.results, run.recipe)}
    costs = {teacher.called: paid.get(label, 0.0) for label, teacher in generations.items()}
    cost_usd = total(costs.values())
    block = collect.generation_block(sum(requested.values(), GenerationSummary()), cost_usd)
    if not run.recipe.has_several:
        return block
    judged = run.summary("filter")["teachers"]
    blocks = teacher_blocks(requested, costs, [judged[str(number)] for number in range(1, len(requested) + 1)])
    return block | {"teachers": blocks}


def _of_this_run(result: StageResult | None) -> GenerationSummary:
    """Return what this run requested: a cached stage requested nothing, whatever the run that built it did."""
    if result is None:
        return GenerationSummary()
    summary = GenerationSummary.of(result.summary)
    return summary.of_cached() if result.cached else summary


def _mislabelled(run: Run) -> list[dict[str, Any]]:
    filtered = run.results["filter"]
    if not filtered.summary.get("suspects"):
        return []
    return collect.mislabelled(run.store.path(filtered.ref, "suspects.jsonl"))


def _carried(models: Mapping[ModelRole, Any], fingerprint: str | None) -> dict[ModelRole, Any]:
    """Note on every model the measurement's fingerprint where it was carried from an earlier run."""
    return {name: {**model, "fingerprint": fingerprint} if model else None for name, model in models.items()}


def _names(recipe: Recipe, teacher: Checkpoint, base: Checkpoint) -> dict[ModelRole, str]:
    layers = f", {recipe.student.layers} layers" if recipe.student.layers else ""
    return {
        ModelRole.TEACHER: teacher.model.name,
        ModelRole.STUDENT: f"{recipe.name} ({base.model.name}{layers})",
        ModelRole.BASELINE_UNTRAINED: f"{base.model.name}{layers}, untrained",
        ModelRole.BASELINE_ZERO_SHOT: f"{base.model.name}, zero-shot",
        ModelRole.STUDENT_LABELLED_ONLY: "the student, trained on the labelled rows alone",
        ModelRole.TFIDF_LOGISTIC_REGRESSION: "TF-IDF + logistic regression on the labelled rows",
    }


def _licences(recipe: Recipe, teachers: list[Checkpoint]) -> dict[str, Any]:
    sources = {role: getattr(recipe.data, role) for role in ("train", "examples", "test")}
    return {
        "data": {role: source.licence for role, source in sources.items() if source},
        "teacher": recipe.teacher.licence,
        "accepted_terms": recipe.teacher.accept_terms,
        "student_base": recipe.student.licence,
        "teachers": [
            {
                "name": asked.called,
                "model": teacher.model.name,
                "licence": asked.licence,
                "accepted_terms": asked.accept_terms,
            }
            for asked, teacher in zip(recipe.teachers, teachers, strict=True)
            if recipe.has_several
        ],
        "judge": recipe.judge.licence if recipe.judge else None,
        "judge_accepted_terms": recipe.judge.accept_terms if recipe.judge else "",
    }


def _provenance() -> dict[str, Any]:
    return {
        "versions": {name: version(name) for name in ("stillhouse", "prefect", "polars", "scikit-learn")},
        "cpu_count": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "platform": platform.platform(),
        "commit": commit(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _yaml(recipe: Recipe) -> str:
    import yaml

    text: str = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def _show(report: Report, link: str) -> None:
    create_table_artifact(table=comparison_rows(report), key="comparison", description="every model on the test rows")
    create_markdown_artifact(markdown=summary_markdown(report), key="summary")
    create_link_artifact(link=link, link_text="report.html", key="report")


def judge_report(run: Run, judge: Checkpoint, teachers: list[Checkpoint], base: Checkpoint) -> dict[str, Any]:
    """Return the report's `judge` block of a finished run; what a cached stage had asked was asked before."""
    asked, pairs = run.recipe.judge, run.results.get(judge_pairs_stage.name)
    assert asked
    kin = {"teacher": teachers, "student's base": [base]}
    scored = run.results.get(judge_stage.name)
    return judge_block(
        asked,
        judge.model.name,
        run.recipe.evaluation,
        pq.read_table(run.store.path(pairs.ref, "pairs.parquet")).to_pylist() if pairs else [],
        _of_this_run(pairs) if pairs else None,
        {**scored.summary, **_of_this_run(scored).record()} if scored else None,
        [role for role, models in kin.items() if any(judge.is_same_model(one) for one in models)],
    )
