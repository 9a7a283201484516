"""A sweep in words and rows of text, for its page, the winner's report, the terminal and Prefect."""

import json
from collections.abc import Collection

from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import (
    NOT_MEASURED,
    count,
    decimal,
    dollars,
    interval,
    metric_name,
    milliseconds,
    percent,
    seconds,
    signed,
    size,
)
from stillhouse.reports.schema.report import Report
from stillhouse.reports.schema.sweep import SweepReport, SweepResult, SweepTrial


def field_names(paths: Collection[str]) -> dict[str, str]:
    """Return each field's last name, with as much of its path before it as tells it from the others."""
    found = {}
    for path in paths:
        parts = path.split(".")
        ends = [".".join(parts[-length:]) for length in range(1, len(parts) + 1)]
        found[path] = next(end for end in ends if sum(f".{one}".endswith(f".{end}") for one in paths) == 1)
    return found


def header(sweep: SweepResult) -> tuple[str, ...]:
    """Return the names of the columns of `rows`."""
    fields = field_names(sweep.space).values()
    return ("trial", *fields, f"{metric_name(sweep.metric)} on validation", "took", "cost", "latency", "weights", "end")


def rows(sweep: SweepResult) -> list[list[str]]:
    """Return a row of text for each trial, the best complete one first, then by training rows and score."""
    order = sorted(sweep.trials, key=lambda one: (one.number != sweep.winner, one.score is None, *_reached(one)))
    return [_row(sweep, one) for one in order]


def _reached(trial: SweepTrial) -> tuple[float, float, int]:
    last = trial.rungs[-1] if trial.rungs else None
    return (-last.share, -last.score, trial.number) if last else (0.0, 0.0, trial.number)


def _row(sweep: SweepResult, trial: SweepTrial) -> list[str]:
    last = trial.rungs[-1] if trial.rungs else None
    partly = "" if last is None or last.share >= 1.0 else f" ({count(last.rows)} rows)"
    latency = None if trial.latency_s is None else 1000 * trial.latency_s
    return [
        str(trial.number),
        *(value_text(trial.fields.get(path)) for path in sweep.space),
        decimal(last.score if last else None) + partly,
        seconds(trial.seconds),
        dollars(trial.cost_usd),
        milliseconds(latency),
        size(trial.weight_bytes),
        _end(sweep, trial),
    ]


def _end(sweep: SweepResult, trial: SweepTrial) -> str:
    if trial.number == sweep.winner:
        return "winner"
    if trial.state == "complete":
        beyond = "" if trial.within_limits else ", beyond the limits"
        return f"complete{', on the front' if trial.on_front else ''}{beyond}"
    return f"{trial.state}: {trial.why}" if trial.why else trial.state


def value_text(value: object) -> str:
    """Return a swept value on one line; of a section its name or model."""
    if isinstance(value, dict):
        return str(value.get("name") or value.get("model") or json.dumps(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def outcome_text(sweep: SweepResult) -> str:
    """Return how many trials there were, what they took and what they asked."""
    states = [trial.state for trial in sweep.trials]
    parts = [f"{states.count(state)} {state}" for state in ("complete", "pruned", "failed") if state in states]
    asked = f"The trials sent {count(sweep.requests)} further requests to teacher and judge"
    return (
        f"{len(states)} trials ({', '.join(parts)}) took {seconds(sweep.seconds)}"
        f"{'' if sweep.cost_usd is None else ' and ' + dollars(sweep.cost_usd)}; {sweep.ended}. {asked}; the data that "
        f"they share took {count(sweep.requests_before)} in this run."
    )


def selection_text(sweep: SweepResult) -> str:
    """Return what having chosen among many costs, on validation rows."""
    price = sweep.selection
    if price is None:
        return f"What the choice among trials costs is {NOT_MEASURED}: {sweep.why_no_selection}."
    return (
        f"The winner has {metric_name(sweep.metric)} {decimal(price.chosen)} on the {count(price.rows)} validation "
        f"rows that it was chosen by, as the best of {price.candidates}. So chosen, {decimal(price.expected)} "
        f"{interval(price.low, price.high)} is to be expected on other rows: the choice itself promises "
        f"{signed(price.optimism)}. By {price.method}. Weights that were kept by their validation loss add to it what "
        "is not counted here."
    )


def importance_text(sweep: SweepResult) -> str:
    """Return which fields mattered, the most important first, or why that is not known."""
    if not sweep.importances:
        return f"What mattered was {sweep.importance_method}."
    shares = ", ".join(f"{path} {percent(share)}" for path, share in sweep.importances.items())
    number = sum(trial.state == "complete" for trial in sweep.trials)
    caution = "; so few trials tell it roughly" if number < 20 else ""
    return f"What mattered, as the share of the variance between {number} complete trials: {shares}{caution}."


def headline(report: SweepReport) -> str:
    """Return the winner's two scores in one line."""
    sweep, name = report.sweep, metric_name(report.sweep.metric)
    if sweep.best is None:
        return f"No winner among {len(sweep.trials)} trials"
    chosen = decimal(sweep.best.score)
    tested = "" if report.test_score is None else f", {decimal(report.test_score)} on the test rows"
    return f"Trial {sweep.best.number} of {len(sweep.trials)} wins: {name} {chosen} on validation rows{tested}"


def winner_text(report: SweepReport) -> str:
    """Return the winner's values, and its score on the test rows beside that on validation rows."""
    sweep = report.sweep
    best = sweep.best
    if best is None:
        return "No trial keeps to the limits: there is no winner, and no test row was read."
    values = ", ".join(f"{path} {value_text(value)}" for path, value in best.fields.items())
    name = metric_name(sweep.metric)
    reads = "once and by the winner alone" if report.test_reads == 1 else f"by {report.test_reads} winners in turn"
    test = (
        f"{name} is {NOT_MEASURED} on the test rows, since `evaluation.metrics` leaves it out"
        if report.test_score is None
        else f"On the {count(report.test_rows)} test rows, read {reads}, it has {name} "
        f"{decimal(report.test_score)} {interval(report.test_low, report.test_high)}, and {decimal(best.score)} on "
        "validation rows"
    )
    return f"Trial {best.number} wins: {values}. {test}."


def scores_text(report: Report) -> str:
    """Return the validation score of a sweep's winner beside its test score, for its own report; empty for others."""
    sweep, student = report.sweep, report.models.student
    if sweep is None or sweep.best is None or student is None:
        return ""
    tested, name = student.quality.get(sweep.metric), metric_name(sweep.metric)
    on_test = NOT_MEASURED if tested is None else f"{decimal(tested.value)} {interval(tested.low, tested.high)}"
    values = ", ".join(f"{at} {value_text(value)}" for at, value in sweep.best.fields.items())
    chosen = decimal(sweep.best.score)
    return (
        f"The student is trial {sweep.best.number} of {len(sweep.trials)}: {values}. Its {name} on validation rows is "
        f"{chosen}, and on the test rows, which had no part in the choice, {on_test}."
    )


def summary_markdown(report: SweepReport) -> str:
    """Return the sweep as Markdown."""
    texts = [winner_text(report), selection_text(report.sweep), importance_text(report.sweep)]
    return "\n\n".join(
        [*map(cell, [*texts, outcome_text(report.sweep)]), table(header(report.sweep), rows(report.sweep))]
    )
