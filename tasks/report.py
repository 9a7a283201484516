"""Writes the run's report, page and cards, and shows them in Prefect. Rebuilt in every run."""

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.reports.schema.report import Report
from tasks.gate_event import announce_gate
from tasks.orchestration.run import Run
from tasks.reporting.inputs import ReportInputs


@task(name="report", task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def write_report(run: Run, inputs: ReportInputs) -> Report:
    """Write report.json, report.html, recipe.yaml and the cards under runs/<run id>/, and return the report.

    Raises:
        RecipeError: a gate rule names no number of the report.
    """
    # imported here: statistics and charts take a second to load, and the first stage need not wait for them
    from tasks.reporting.build import build, files_of

    report = build(run, inputs)
    for name, text in files_of(run, report).items():
        run.store.put_text(f"runs/{run.id}/{name}", text)
    address = run.settings.report_link(run.id)
    _show(report, address)
    announce_gate(report.gate, run.recipe.name, address)
    return report


def _show(report: Report, link: str) -> None:
    from stillhouse.reports.tables import comparison_rows, summary_markdown

    create_table_artifact(table=comparison_rows(report), key="comparison", description="every model on the test rows")
    create_markdown_artifact(markdown=summary_markdown(report), key="summary")
    create_link_artifact(link=link, link_text="report.html", key="report")
