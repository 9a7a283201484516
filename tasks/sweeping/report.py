"""Writes a sweep's report and page, and shows them in Prefect."""

from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.reports.schema.sweep import SweepReport, SweepResult
from stillhouse.sweep.study import FOLDER
from tasks.orchestration.run import Run


@task(name="sweep_report", task_run_name="sweep-report", cache_policy=NO_CACHE, persist_result=False)
def write_sweep_report(run: Run, result: SweepResult, winner: dict[str, Any], reads: int) -> SweepReport:
    """Write report.json and report.html under sweeps/<study>/, and return the report.

    Args:
        run: the sweep's.
        result: its trials.
        winner: what the winner's run returned, with its report; empty if there is no winner.
        reads: winners of this sweep that were measured on the test rows.
    """
    # imported here: charts take a second to load, and the first stage need not wait for them
    from stillhouse.reports.sweep_page import render_sweep
    from stillhouse.reports.sweep_text import summary_markdown

    report = SweepReport(recipe=run.recipe.name, sweep=result, test_reads=reads, **_on_test_rows(result, winner))
    home = f"{FOLDER}/{result.study}"
    run.store.put_text(f"{home}/report.json", report.model_dump_json(indent=2) + "\n")
    run.store.put_text(f"{home}/report.html", render_sweep(report))
    create_markdown_artifact(markdown=summary_markdown(report), key="sweep")
    create_link_artifact(link=run.settings.store_link(f"{home}/report.html"), link_text="report.html", key="report")
    return report


def _on_test_rows(result: SweepResult, winner: dict[str, Any]) -> dict[str, Any]:
    if not winner:
        return {}
    quality = winner["report"]["models"]["student"]["quality"].get(result.metric) or {}
    measured = {f"test_{name}": quality.get(at) for name, at in (("score", "value"), ("low", "low"), ("high", "high"))}
    return {"run_id": winner["run_id"], "model": winner["model"], "test_rows": quality.get("n"), **measured}
