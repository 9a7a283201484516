"""A sweep as one HTML file that opens offline, in the style of a run's report."""

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stillhouse.reports import sweep_text
from stillhouse.reports.numbers import NOT_MEASURED
from stillhouse.reports.schema.sweep import SweepReport, SweepResult
from stillhouse.reports.sweep_charts import front_chart, importance_chart

_TEMPLATES = Path(__file__).parent / "templates"


def render_sweep(report: SweepReport) -> str:
    """Return the sweep's page, with its style and its charts inside."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("sweep.html.j2").render(
        report=report,
        headline=sweep_text.headline(report),
        winner=sweep_text.winner_text(report),
        space=yaml.safe_dump(report.sweep.space, sort_keys=False),
        **section_of(report.sweep),
    )


def section_of(sweep: SweepResult | None, tested: str = "") -> dict[str, Any]:
    """Return what the section about a sweep shows, also in the winner's report; without one it is left out.

    `tested` sets the winner's score on the test rows beside that on validation rows.
    """
    if sweep is None:
        return {"sweep": None}
    svgs = {"importance": importance_chart(sweep), "front": front_chart(sweep)}
    return {
        "sweep": sweep,
        "sweep_header": sweep_text.header(sweep),
        "sweep_rows": sweep_text.rows(sweep),
        "sweep_texts": [
            *filter(None, [tested]),
            sweep_text.selection_text(sweep),
            sweep_text.importance_text(sweep),
            sweep_text.outcome_text(sweep),
        ],
        # vl-convert escapes every text in the SVG
        "sweep_charts": {name: Markup(svg) if svg else None for name, svg in svgs.items()},
        "not_measured": NOT_MEASURED,
    }
