"""What a run's test rows will be able to show to its gate, before anything is measured."""

from collections.abc import Iterator

from stillhouse.config import StrictModel
from stillhouse.gate.spending import level_of_look
from stillhouse.recipe.gate import BetterThan, NotWorseThan
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.numbers import count, decimal, percent
from stillhouse.skills.registry import METRICS

# how much two good models usually differ, until their answers say it
ASSUMED_DIFFERING = 0.1  # share of rows that just one of both has right
ASSUMED_SPREAD = 0.25  # standard deviation of the differences of scores


class GateForecast(StrictModel):
    """What the test rows can show to one rule about two models."""

    rule: str
    rows: int  # that there are
    look: int  # number that the next look at them has
    rows_needed: int | None  # for 80 % power if both models are equally good; None: of better_than, or too many
    power: float | None  # with the rows there are; None: of better_than
    smallest: float | None  # gain that they show with 80 % power; None: of not_worse_than


def forecast_gate(recipe: Recipe, num_rows: int, look: int) -> Iterator[GateForecast]:
    """Yield what `num_rows` test rows can show to each rule about two models at that look."""
    named = [one for rule in recipe.gate.rules if (one := rule.not_worse_than or rule.better_than)]
    for one in named:
        level = level_of_look(look, 1 - recipe.evaluation.confidence) / len(named)
        is_share = METRICS[one.metric or recipe.evaluation.metrics[0]].kind == "share"
        yield _forecast(one, num_rows, look, level, is_share=is_share)


def _forecast(rule: BetterThan, rows: int, look: int, level: float, *, is_share: bool) -> GateForecast:
    # imported here: SciPy takes a second to load, and a run's first stage need not wait for it
    from stillhouse.evaluation.power import smallest_difference
    from stillhouse.gate.power import gain_that_shows, not_worse_power, rows_for_margin, score_power

    error = ASSUMED_SPREAD / max(rows, 1) ** 0.5
    if isinstance(rule, NotWorseThan):
        margin = rule.margin
        return GateForecast(
            rule=f"not worse by {margin:g} than {rule.model}",
            rows=rows,
            look=look,
            rows_needed=rows_for_margin(ASSUMED_DIFFERING, margin, level) if is_share else _score_rows(margin, level),
            power=not_worse_power(rows, ASSUMED_DIFFERING, margin, level)
            if is_share
            else score_power(error, margin, level, max(rows, 2)),
            smallest=None,
        )
    return GateForecast(
        rule=f"better than {rule.model}",
        rows=rows,
        look=look,
        rows_needed=None,
        power=None,
        smallest=gain_that_shows(rows, ASSUMED_DIFFERING, level)
        if is_share
        else smallest_difference(error, 1 - 2 * level),
    )


def _score_rows(margin: float, level: float) -> int:
    from stillhouse.evaluation.power import smallest_difference

    needed = smallest_difference(ASSUMED_SPREAD, 1 - 2 * level)
    assert needed is not None, "a spread above 0 shows some difference"
    return round((needed / margin) ** 2)


def gate_line(forecast: GateForecast) -> str:
    """Return what the test rows can show to a rule, as a sentence."""
    seen = f"Gate, {forecast.rule}: the {count(forecast.rows)} test rows, at look {forecast.look},"
    if forecast.power is None:
        gain = f"a gain of {decimal(forecast.smallest)}" if forecast.smallest else "no gain"
        return f"{seen} show {gain} with 80 % power."
    needed = count(forecast.rows_needed) if forecast.rows_needed else "more than 100,000"
    short = "" if forecast.power >= 0.8 else " With fewer, expect it to be undecidable."
    return (
        f"{seen} pass a student as good as that with a chance of {percent(forecast.power)}; 80 % take {needed} rows."
        + short
    )


def gate_note() -> str:
    """Return what the forecast of the gate takes for granted."""
    return (
        f"The gate's power is forecast for models of which just one is right on {ASSUMED_DIFFERING:.0%} of the rows "
        f"(scores: differences with a standard deviation of {ASSUMED_SPREAD:g}). Rows that belong together count for "
        "less."
    )
