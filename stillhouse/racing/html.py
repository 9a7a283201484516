"""A race as one HTML file that opens offline: it loads no script, font or image."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stillhouse.racing.summary import RaceReport
from stillhouse.racing.text import FILTERS, STANDINGS, filter_rows, measured_text, round_title, standing_rows
from stillhouse.reports.html import TEMPLATES


def render_race(report: RaceReport) -> str:
    """Return race.html: a whole page with its style inside."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rounds = [(round_title(report, at), standing_rows(one.standings)) for at, one in enumerate(report.rounds)]
    return environment.get_template("race.html.j2").render(
        report=report,
        measured=measured_text(report),
        rounds=rounds[::-1],
        standings_header=STANDINGS,
        filters_header=FILTERS,
        filters=filter_rows(report.filters),
    )
