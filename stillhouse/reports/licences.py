"""The licences that a student and its training data descend from, as the recipe states them."""

from stillhouse.recipe.terms import TERMS, Terms
from stillhouse.reports.markdown import cell
from stillhouse.reports.schema.report import Report

UNKNOWN = "unknown"


def licence_rows(report: Report, *, with_student: bool = True) -> list[tuple[str, str, str]]:
    """Return (what, licence as stated, hint) for each origin; the hint names the recipe's field for an unknown one."""
    origins = [
        (f"data: {source}", licence, f"data.{source}.licence") for source, licence in report.licences.data.items()
    ]
    if not origins:
        origins = [("data", UNKNOWN, "data.train.licence")]
    origins += _teacher_licences(report)
    # a judge that only compared models left nothing in the data
    if report.licences.judge is not None and report.judge and report.judge.scored:
        origins.append(("judge that chose among its answers", report.licences.judge, "judge.licence"))
    if terms := TERMS.get(report.licences.judge_accepted_terms):
        origins.append(("use of the judge's scores", _stated(terms), ""))
    if with_student:
        others = report.licences.student_bases
        field = "students[0].licence" if others else "student.licence"
        origins.append(("student's base model", report.licences.student_base, field))
        origins += [
            (f"base model of student {name}", licence, f"students[{number}].licence")
            for number, (name, licence) in enumerate(others.items(), start=1)
        ]
    return [
        (what, licence or UNKNOWN, f"not stated; look it up and set `{field}`" if is_unknown(licence) else "")
        for what, licence, field in origins
    ]


def _teacher_licences(report: Report) -> list[tuple[str, str, str]]:
    stated = report.licences
    teachers = [(f" {one.name}", one.licence, one.accepted_terms) for one in stated.teachers]
    origins = []
    for index, (name, licence, accepted) in enumerate(teachers or [("", stated.teacher, stated.accepted_terms)]):
        origins.append((f"teacher{name}", licence, f"teachers[{index}].licence"))
        if terms := TERMS.get(accepted):
            origins.append((f"use of the teacher's output{f' ({name.strip()})' if name else ''}", _stated(terms), ""))
    return origins


def _stated(terms: Terms) -> str:
    return f"{terms.owner}'s terms forbid {terms.rule} ({terms.url}); the recipe states that they don't bind"


def licence_list(report: Report, *, with_models: bool) -> str:
    """Return the licences as a Markdown list."""
    rows = licence_rows(report, with_student=with_models)
    return "\n".join(
        f"- {cell(what)}: **{cell(licence)}**{f' ({hint})' if hint else ''}" for what, licence, hint in rows
    )


def encoder_licence(report: Report) -> str:
    """Return the licence of the sentence encoder that was measured; empty if none was."""
    stated = report.licences.encoder
    if stated is None:
        return ""
    hint = " (not stated; look it up and set `evaluation.encoder.licence`)" if is_unknown(stated) else ""
    return f"The sentence encoder of the comparison, no part of the student: **{cell(stated or UNKNOWN)}**{hint}."


def is_unknown(licence: str) -> bool:
    """Return whether the recipe states no licence."""
    return licence.strip().casefold() in ("", UNKNOWN)
