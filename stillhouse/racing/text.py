"""A race as tables of texts, which the terminal and the page show."""

from stillhouse.racing.numbers import points, points_interval
from stillhouse.racing.summary import Estimated, FilterWorth, RaceReport, Standing
from stillhouse.reports.numbers import count, metric_name

STANDINGS = ("contestant", "quality", "behind the best", "p", "prompts", "rows", "tokens", "cost", "")
FILTERS = ("filter", "rows dropped", "worth", "p", "verdict")
_SAID = {
    "earns": "earns its place",
    "costs": "costs quality",
    "nothing": "earns nothing",
    "unshown": "not shown",
    "drops_nothing": "earns nothing: changes no row",
}


def standing_rows(standings: tuple[Standing, ...]) -> list[list[str]]:
    """Return a line a contestant, with the columns of STANDINGS; qualities in points of a hundred."""
    return [
        [
            one.contestant,
            _estimate(one.quality),
            _estimate(one.behind),
            _p(one.behind),
            count(one.spent.prompts),
            count(one.rows),
            count(one.spent.tokens),
            "" if one.spent.usd is None else f"${one.spent.usd:.4f}",
            "out" if one.is_out else "",
        ]
        for one in standings
    ]


def filter_rows(worths: tuple[FilterWorth, ...]) -> list[list[str]]:
    """Return a line a filter, with the columns of FILTERS; worths in points of a hundred."""
    return [[one.name, count(one.dropped), _estimate(one.worth), _p(one.worth), _SAID[one.verdict]] for one in worths]


def round_title(report: RaceReport, at: int) -> str:
    """Return what a round's table is called."""
    prompts = sorted({one.spent.prompts for one in report.rounds[at].standings})
    said = f"{prompts[0]:,}" if len(prompts) == 1 else f"{prompts[0]:,} to {prompts[-1]:,}"
    return f"Round {at + 1}: {metric_name(report.metric)} in points, {said} prompts each"


def measured_text(report: RaceReport) -> str:
    """Return what was trained and what it was measured on."""
    groups = f" in {report.clusters:,} groups" if report.clusters else ""
    return (
        f"Student: {report.student}; {report.draws} a contestant, each on its own half of the prompts. Measured on "
        f"{report.validation_rows:,} validation rows with references{groups}; no test row was read. Intervals of "
        f"{report.confidence:.0%} allow for the choice of prompts and of rows; p-values are Holm's."
    )


def _estimate(found: Estimated | None) -> str:
    return "" if found is None else f"{points(found.value)} {points_interval(found.low, found.high)}"


def _p(found: Estimated | None) -> str:
    if found is None or found.p_value is None:
        return ""
    return "<0.001" if found.p_value < 0.001 else f"{found.p_value:.3f}"
