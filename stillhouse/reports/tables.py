"""The comparison as rows for a Prefect table, and as Markdown."""

from stillhouse.reports.champion import champion_text
from stillhouse.reports.combination import combination_text
from stillhouse.reports.entries import entries, missing_models
from stillhouse.reports.export_text import exports_markdown
from stillhouse.reports.gate_text import GATE_COLUMNS, gate_heading, gate_rows, gate_sentence, looks_text
from stillhouse.reports.label_worth_text import label_worth_text
from stillhouse.reports.ledger import COLUMNS, break_even_text, ledger_rows
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import (
    NOT_MEASURED,
    count,
    decimal,
    dollars,
    interval,
    metric_name,
    milliseconds,
    p_value,
    parameters,
    percent,
    rate,
    size,
)
from stillhouse.reports.rounds import rounds_markdown
from stillhouse.reports.schema.gate import Gate
from stillhouse.reports.schema.judge import Judge
from stillhouse.reports.schema.models import Estimate, Model
from stillhouse.reports.schema.report import Report
from stillhouse.reports.seeds import seeds_text
from stillhouse.reports.slice_text import against_teacher, worst_slice
from stillhouse.reports.students import students_markdown
from stillhouse.reports.teachers import teachers_markdown
from stillhouse.reports.verdict import (
    alternative_verdicts,
    conclusion,
    data_conclusion,
    headline,
    learner_verdicts,
)
from stillhouse.skills.registry import METRICS


def comparison_rows(report: Report) -> list[dict[str, str]]:
    """Return one row per model, student first, as text with units, or "not measured" and why."""
    metrics = metric_names(report)
    measured = [
        {
            "model": entry.role.label + (" (better baseline)" if entry.is_better_baseline else ""),
            "name": entry.model.name,
            **{metric: _measured(entry.model, metric) for metric in metrics},
            **_costs(entry.model),
        }
        for entry in entries(report)
    ]
    unknown = dict.fromkeys(list(measured[0])[2:], NOT_MEASURED) if measured else {}
    missing = missing_models(report).items()
    return measured + [{"model": role.label, "name": f"{NOT_MEASURED}: {why}", **unknown} for role, why in missing]


def metric_names(report: Report) -> list[str]:
    """Return every metric measured for any model, the primary one first."""
    names = [report.comparison.primary_metric]
    names += [name for entry in entries(report) for name in entry.model.quality]
    return list(dict.fromkeys(names))


def unmeasured_text(report: Report) -> str:
    """Return which metrics of the recipe were not measured, and why; empty if all were."""
    left_out = {name: why for name, why in report.comparison.not_measured.items() if name in METRICS}
    names: dict[str, list[str]] = {}
    for name, why in left_out.items():
        names.setdefault(why, []).append(metric_name(name))
    return "; ".join(f"{', '.join(named)}: {NOT_MEASURED}, {why}" for why, named in names.items())


def summary_markdown(report: Report) -> str:
    """Return headline, verdicts, comparison, label errors, judge, costs, teachers and gate as Markdown."""
    rows = comparison_rows(report)
    parts = [f"## {cell(headline(report))}", f"**Worth a teacher?** {conclusion(report)}"]
    parts += [f"- {verdict.text}" for verdict in alternative_verdicts(report)]
    parts += filter(None, [cell(champion_text(report)), combination_text(report), data_conclusion(report)])
    parts += [f"- {verdict.text}" for verdict in learner_verdicts(report)]
    parts += filter(None, [cell(label_worth_text(report)), rounds_markdown(report)])
    if rows:
        parts.append(table(list(rows[0]), [list(row.values()) for row in rows]))
    parts += filter(None, [unmeasured_text(report), students_markdown(report), exports_markdown(report)])
    parts += filter(None, [against_teacher(report), seeds_text(report), cell(worst_slice(report))])
    parts += _label_errors(report)
    parts += _judge_parts(report.judge) if report.judge else []
    if report.ledger:
        parts += [table(COLUMNS, ledger_rows(report.ledger)), cell(break_even_text(report.ledger))]
    parts += filter(None, [teachers_markdown(report.generation)])
    parts += _gate_parts(report.gate) if report.gate else []
    return "\n\n".join(parts) + "\n"


def judge_rows(judge: Judge) -> list[dict[str, str]]:
    """Return one row per model that the judge compared with the student."""
    return [
        {
            "student against": opponent,
            "wins": quality_text(result.win),
            "ties": quality_text(result.tie),
            "losses": quality_text(result.loss),
            "win rate": ", ".join(filter(None, (quality_text(result.win_rate), p_value(result.p_value)))),
            "pairs judged": f"{count(result.asked)} of {count(result.win.n)}",
            "both orders agree": percent(result.agreement),
            "first position": percent(result.first_position),
            "longer answer wins": percent(result.longer_wins),
            "unreadable": count(result.unreadable),
        }
        for opponent, result in judge.against.items()
    ]


def _judge_parts(judge: Judge) -> list[str]:
    parts = [f"**Judge: {cell(judge.name)}** ({cell(judge.engine)})"]
    if rows := judge_rows(judge):
        parts.append(table(list(rows[0]), [list(row.values()) for row in rows]))
    if judge.scored:
        scores = [[score, count(number)] for score, number in judge.scored.scores.items()]
        parts.append(table(["score", "answers"], [*scores, ["unreadable", count(judge.scored.unreadable)]]))
    return parts + [f"- {cell(note)}" for note in judge.notes]


def _gate_parts(gate: Gate) -> list[str]:
    """Return the gate's verdict, its rules, and how often the test set was used."""
    rules = gate_rows(gate)
    parts = [f"**Gate: {gate_heading(gate)}** {gate_sentence(gate)}"]
    return [*parts, *([table(GATE_COLUMNS, rules)] if rules else []), *filter(None, [looks_text(gate.looks)])]


def _label_errors(report: Report) -> list[str]:
    errors = report.filter.suspects if report.filter else None
    if not errors or not errors.found:
        return []
    counts = f"{errors.found} of {errors.judged} labelled rows, {errors.sure} of them for sure"
    # by id: the rows' text stays out of Prefect's database
    rows = [[f"{row.source or ''} {row.id or ''}".strip(), decimal(row.score)] for row in report.mislabelled]
    header = ["row", "its label's score"]
    if report.confusion:
        header += ["label", "teacher"]
        rows = [[*line, row.label, row.suggested] for line, row in zip(rows, report.mislabelled, strict=True)]
    return [f"**Possibly mislabelled**: {counts}. No row was changed.", table(header, rows)]


def _measured(model: Model, metric: str) -> str:
    """Return a model's quality, with the number of rows where only some of them count."""
    estimate = model.quality.get(metric)
    is_of_some = estimate is not None and metric in METRICS and METRICS[metric].needs is not None
    return f"{quality_text(estimate)}, n = {count(estimate.n)}" if estimate and is_of_some else quality_text(estimate)


def quality_text(estimate: Estimate | None) -> str:
    """Return a quality with its interval, or "not measured"."""
    if estimate is None:
        return NOT_MEASURED
    return f"{decimal(estimate.value)} {interval(estimate.low, estimate.high)}".strip()


def _costs(model: Model) -> dict[str, str]:
    latency, uncached = model.latency_ms, model.latency_uncached_ms
    return {
        "latency p50": milliseconds(latency.p50 if latency else None),
        "latency p95": milliseconds(latency.p95 if latency else None),
        "p50 uncached": milliseconds(uncached.p50 if uncached else None),
        "requests/s": rate(model.requests_per_second),
        "tokens/s": rate(model.tokens_per_second),
        "prompt tokens": rate(model.prompt_tokens_mean),
        "parameters": parameters(model.parameters),
        "weights": size(model.weight_bytes),
        "peak memory": size(model.peak_memory_bytes),
        "engine floor": size(model.engine_floor_bytes),
        "cost / 1k": dollars(model.cost_usd_per_1k_requests),
    }
