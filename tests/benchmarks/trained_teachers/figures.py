"""The figures of a chain's second run: every model's quality, and what each student gains over the others."""

import json
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.evaluation.evidence import read_evidence
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.collect import model_blocks
from stillhouse.reports.comparison import comparison_block

# what a student must beat: itself before training, and without a teacher
OPPONENTS = (ModelRole.BASELINE_UNTRAINED, ModelRole.STUDENT_LABELLED_ONLY, ModelRole.TEACHER)


def figures(store: Store, run_id: str) -> str:
    """Return the figures as lines of text.

    The report compares one student. Here each is compared, by the report's own paired bootstrap; the untrained model
    and the one of the labelled rows alone have the main student's layers throughout.
    """
    report = _read(store, run_id, "report.json")
    metric = report["comparison"]["primary_metric"]
    lines = [f"{metric}, 95 % intervals"]
    for role, model in report["models"].items():
        if model and metric in model["quality"] and role != ModelRole.BASELINE:
            found, times = model["quality"][metric], model["latency_ms"] or {"p50": float("nan")}
            size = f"{(model['parameters'] or 0) / 1e6:.0f} M, {times['p50']:.0f} ms, n = {found['n']}"
            lines.append(f"  {ModelRole(role).label}: {_interval(found)}; {size}")
    for role, block in _comparisons(store, run_id, report).items():
        low, high = block["quality_retained_low"], block["quality_retained_high"]
        lines.append(f"{report['models'][role]['name']}: keeps [{low:.3f}, {high:.3f}] of the teacher; gains over")
        lines += [f"  {other.label}: {_interval(block['gain_over'][other])}" for other in OPPONENTS]
    return "\n".join(lines)


def _comparisons(store: Store, run_id: str, report: dict[str, Any]) -> dict[ModelRole, dict[str, Any]]:
    recipe = parse_recipe(report["recipe"])
    made = {name: ArtifactRef.model_validate(ref) for name, ref in _read(store, run_id, "artifacts.json").items()}
    evaluations = [store.fetch(ref) for ref in made.values() if ref.stage.startswith("evaluate")]
    labels = (report["confusion"] or {"labels": ()})["labels"]
    evidence = read_evidence(store.path(made["split"], "test.parquet"), evaluations, labels, recipe.skill)
    blocks = model_blocks(evidence, {}, recipe)
    students = [role for role in STUDENTS if role in evidence.answers]
    return {role: comparison_block(evidence, blocks, recipe, role)[0] for role in students}


def _interval(found: dict[str, Any]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _read(store: Store, run_id: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.read_text(f"runs/{run_id}/{name}"))
    return found
