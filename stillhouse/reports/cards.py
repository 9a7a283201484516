"""The model card and the data card: Markdown with YAML front matter, as model and data hubs read it.

A card travels with the weights, without the report. So it repeats the licences, but only those that the recipe states.
"""

from typing import Any

import yaml

from stillhouse.evaluation.roles import STUDENTS
from stillhouse.reports.combination import combination_text
from stillhouse.reports.export_text import export_examples, exports_markdown
from stillhouse.reports.licences import UNKNOWN, encoder_licence, is_unknown, licence_list
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, decimal, logits, size, soft_labels
from stillhouse.reports.schema.data import Training
from stillhouse.reports.schema.report import Report
from stillhouse.reports.serving_lines import serving_lines
from stillhouse.reports.starting_point import starting_text
from stillhouse.reports.students import students_markdown
from stillhouse.reports.tables import comparison_rows, unmeasured_text
from stillhouse.reports.teachers import teachers_markdown
from stillhouse.reports.teaching_text import preferences_text, reasoning_text
from stillhouse.reports.verdict import (
    alternative_verdicts,
    conclusion,
    data_conclusion,
    headline,
    learner_verdicts,
)


def model_card(report: Report) -> str:
    """Return the student's card. Its own licence is `unknown`: only who publishes it can state one."""
    name, student = str(report.recipe.get("name", report.skill)), report.student
    base = student_section(report).get("model")
    teacher = taught_by(report)
    front: dict[str, Any] = {
        "license": UNKNOWN,
        "base_model": base,
        "tags": ["distillation", "stillhouse", report.skill],
        "model-index": [{"name": name, "results": [_results(report)]}] if student and student.quality else None,
    }
    sections = [
        f"# {cell(name)}",
        cell(headline(report)),
        f"A student of {cell(teacher)} for one job, {cell(report.skill)}, made from {cell(base or UNKNOWN)}.",
        "## Measured",
        _comparison(report),
        unmeasured_text(report),
        students_markdown(report),
        exports_markdown(report),
        export_examples(report),
        f"**Worth a teacher?** {conclusion(report)}",
        "\n".join(f"- {verdict.text}" for verdict in alternative_verdicts(report)),
        combination_text(report),
        data_conclusion(report),
        "\n".join(f"- {verdict.text}" for verdict in learner_verdicts(report)),
        "\n".join(f"- **{cell(topic)}**: {cell(text)}" for topic, text in report.method.items()),
        "## Teachers",
        teachers_markdown(report.generation),
        "## Training",
        _training(report),
        preferences_text(report.training, report.filter),
        reasoning_text(report.filter.reasoning if report.filter else None),
        "## Serve",
        serving_lines(report),
        "## Licences",
        "The student descends from everything in this list; its own licence has not been stated. Before you publish "
        "it, read these and the teacher's terms on using its output, then state a licence above.",
        licence_list(report, with_models=True),
        encoder_licence(report),
        "## Limits",
        "Measured on this run's test rows only; other messages, languages and labels are untested. The report shows "
        "rows on which student and teacher disagree.",
        _footer(report),
    ]
    return _card(front, sections)


def data_card(report: Report, files: dict[str, int] | None = None) -> str:
    """Return the card of the training data; `files` are the published files with their sizes in bytes."""
    name = str(report.recipe.get("name", report.skill))
    stated = {UNKNOWN if is_unknown(licence) else licence for licence in report.licences.data.values()}
    front: dict[str, Any] = {
        "license": stated.pop() if len(stated) == 1 else UNKNOWN,
        "pretty_name": f"{name}: training data",
        "tags": ["distillation", "synthetic", "stillhouse", report.skill],
    }
    teacher = taught_by(report)
    sections = [
        f"# {cell(name)}: training data",
        f"Prompts with answers by {cell(teacher)}: synthetic labels, filtered but not checked by people, "
        "unless a row came with its own reference.",
        "## Rows",
        _rows(report),
        "## Teachers",
        teachers_markdown(report.generation),
        reasoning_text(report.filter.reasoning if report.filter else None),
        "## Balance",
        _balance(report),
        "## Training examples against test rows",
        _coverage(report),
        "## Files",
        table(["file", "size"], [[path, size(bytes_)] for path, bytes_ in (files or {}).items()]) if files else "",
        "## Licences",
        "The licence above is that of the data sources, if they all state the same. The answers are the teacher's "
        "output: its terms apply to them too.",
        licence_list(report, with_models=False),
        _footer(report),
    ]
    return _card(front, sections)


def taught_by(report: Report) -> str:
    """Return the teachers' names."""
    if teachers := report.licences.teachers:
        return ", ".join(one.name if one.name == one.model else f"{one.name} ({one.model})" for one in teachers)
    return report.models.teacher.name if report.models.teacher else UNKNOWN


def student_section(report: Report) -> dict[str, Any]:
    """Return the section of the recipe that describes the student that the report is about."""
    sections: dict[str, dict[str, Any]] = dict(zip(STUDENTS, report.recipe.get("students") or (), strict=False))
    return report.recipe.get("student") or sections.get(report.comparison.student, {})


def _results(report: Report) -> dict[str, Any]:
    student = report.student
    assert student is not None, "called only if a student was measured"
    metrics = [{"type": name, "name": name, "value": estimate.value} for name, estimate in student.quality.items()]
    data = {"name": f"{report.recipe.get('name', report.skill)} test rows", "type": "private"}
    task = "text-classification" if student_section(report).get("kind") == "encoder" else "text-generation"
    return {"task": {"type": task, "name": report.skill}, "dataset": data, "metrics": metrics}


def _comparison(report: Report) -> str:
    rows = comparison_rows(report)
    return table(list(rows[0]), [list(row.values()) for row in rows]) if rows else "Not measured."


def _training(report: Report) -> str:
    training = report.training
    if training is None:
        return "Not recorded."
    made_with = ", ".join(f"{name} {version}" for name, version in training.libraries.items())
    losses = f"training loss {decimal(training.train_loss)}, validation loss {decimal(training.validation_loss)}"
    return (
        f"{cell(training.method or UNKNOWN)}; {count(training.rows)} rows, {count(training.tokens)} tokens, "
        f"{count(training.steps)} steps; {losses}.{_learnt_probabilities(training)}{_cut(training)}"
        + (
            f"\n\nWritten with {cell(made_with)}: it loads in these. Older ones can lack its model's class."
            if made_with
            else ""
        )
    )


def _learnt_probabilities(training: Training) -> str:
    learnt = training.soft_labels
    of_labels = f" The teacher's probabilities of the labels: {soft_labels(learnt)}." if learnt else ""
    of_tokens = f" The teacher's log-probabilities: {logits(training.logits)}." if training.logits else ""
    return of_labels + of_tokens


def _cut(training: Training) -> str:
    return f" Cut from its base: {starting_text(training.cut)}." if training.cut else ""


def _rows(report: Report) -> str:
    lines = []
    for step in report.funnel:
        drops = ", ".join(f"{reason} {count(number)}" for reason, number in step.dropped.items())
        lines.append([step.stage, count(step.entered), count(step.out), drops or "–"])
    split = "Not recorded."
    if report.data:
        data = report.data
        own = " (with labels of their own)" if data.validation_own else ""
        split = f"Training {count(data.train)}, validation {count(data.validation)}{own}, test {count(data.test)} rows."
    return split + _redacted(report) + ("\n\n" + table(["stage", "in", "out", "dropped"], lines) if lines else "")


def _redacted(report: Report) -> str:
    redacted = report.generation.redacted if report.generation else None
    if redacted is None:
        return ""
    return (
        f" The teacher saw {count(redacted.prompts)} prompts with marks in place of personal data; these rows hold the "
        "data itself."
    )


def _balance(report: Report) -> str:
    parts = {
        "Training rows": report.data.balance if report.data else None,
        "Training examples, evened out by label": report.filter.balance if report.filter else None,
    }
    tables = []
    for title, balance in parts.items():
        if balance is not None:
            after, groups = balance.after, sorted(set(balance.before) | set(balance.after))
            rows = [[group, count(balance.before.get(group, 0)), count(after.get(group, 0))] for group in groups]
            tables += [f"{title}:", table(["group", "before", "after"], rows)]
    return "\n\n".join(tables)


def _coverage(report: Report) -> str:
    data = report.data
    if data is None or data.coverage is None:
        return ""
    said = data.coverage.findings or ["No label, length, script or topic stands out."]
    if data.rare_in_test:
        rare = ", ".join(f"{label} {number}" for label, number in data.rare_in_test.items())
        said = [*said, f"labels with fewer than five test rows: {rare}"]
    shares = [[one.kind, one.group, count(one.train), count(one.test)] for one in data.coverage.groups]
    return "\n".join(f"- {cell(line)}" for line in said) + "\n\n" + table(["kind", "group", "training", "test"], shares)


def _footer(report: Report) -> str:
    commit = report.provenance.commit
    artifacts = [
        f"{cell(name)} `{cell(stage.fingerprint)}`" for name, stage in report.stages.items() if stage.fingerprint
    ]
    facts = [f"run {cell(report.run_id)}", *artifacts]
    facts += [f"commit {cell(commit)}"] if commit else []
    return f"Made by Stillhouse: {'; '.join(facts)}."


def _card(front: dict[str, Any], sections: list[str]) -> str:
    head = yaml.safe_dump({k: v for k, v in front.items() if v}, sort_keys=False, allow_unicode=True)
    kept: list[str] = []
    for section in filter(None, sections):
        if section.startswith("## ") and kept and kept[-1].startswith("## "):
            kept.pop()  # a heading without text
        kept.append(section)
    return f"---\n{head}---\n\n" + "\n\n".join(kept) + "\n"
