"""Pairs of the student's and another model's answers, the questions about them, and the verdicts.

A pair with equal or unreadable answers needs no judge. Equal answers are a tie, as AlpacaEval counts them
(tatsu-lab/alpaca_eval, src/alpaca_eval/annotators/pairwise_evaluator.py); one that can't be read loses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from stillhouse.data.row import Messages, Row
from stillhouse.evaluation.roles import ModelRole, best_of
from stillhouse.judging.prompts import pair_question, request_text
from stillhouse.judging.questions import JudgeReply
from stillhouse.judging.verdicts import Outcome, decide, read_verdict
from stillhouse.recipe.judge import Judge
from stillhouse.skills.skill import Skill

Line = dict[str, Any]
Answers = Mapping[ModelRole, Sequence[str | None]]  # in the rows' order

PAIR_SCHEMA = pa.schema(
    [
        ("against", pa.string()),  # teacher | baseline
        ("model", pa.string()),  # the role of the compared model
        ("row_id", pa.string()),
        ("student", pa.string()),  # its answer; null if it can't be read
        ("other", pa.string()),
        ("asked", pa.bool_()),
        ("first", pa.string()),  # the verdict with the student's answer shown first; null if it can't be read
        ("second", pa.string()),  # … shown second
        ("first_text", pa.string()),  # the judge's reply
        ("second_text", pa.string()),
    ]
)


def opponents(
    judge: Judge,
    answers: Answers,
    references: Sequence[Sequence[str]],
    skill: Skill,
    metric: str,
    baselines: Sequence[ModelRole],
) -> dict[ModelRole, ModelRole]:
    """Return the role of the model to compare with, by the recipe's word; models without answers are left out.

    The baseline is the better one by `metric`, of equals the first, as in the report's comparison.
    """
    # imported here: the metrics' library takes seconds to load, and the rest of this file does without
    from stillhouse.evaluation.metrics import score

    against = {ModelRole.TEACHER: ModelRole.TEACHER} if ModelRole.TEACHER in answers else {}
    values = {
        role: score([metric], answers[role], references, (), skill)[metric] for role in baselines if role in answers
    }
    if better := best_of(values, baselines):
        against[ModelRole.BASELINE] = better
    return {role: against[role] for role in map(ModelRole, judge.against) if role in against}


def pair_lines(
    rows: Sequence[Row],
    answers: Answers,
    against: Mapping[ModelRole, ModelRole],
    compared: ModelRole = ModelRole.STUDENT,
) -> list[Line]:
    """Return a line per opponent and row, without verdicts; `compared` is the student."""
    lines = []
    for name, model in against.items():
        for row, student, other in zip(rows, answers[compared], answers[model], strict=True):
            line: Line = dict.fromkeys(PAIR_SCHEMA.names)
            line |= {"against": name, "model": model, "row_id": row["id"], "student": student, "other": other}
            lines.append(line | {"asked": student is not None and other is not None and student != other})
    return lines


def pair_questions(
    lines: Sequence[Line], rows: Sequence[Row], judge: Judge, skill: Skill, labels: Sequence[str]
) -> dict[str, Messages]:
    """Return two questions per line that needs a judge, by their ids: `<line>.first` and `<line>.second`."""
    by_id = {row["id"]: row for row in rows}
    questions = {}
    for number, line in enumerate(lines):
        if not line["asked"]:
            continue
        row = by_id[line["row_id"]]
        request = request_text(row["messages"], skill, labels)
        reference = row["references"][0] if judge.show_reference and row["references"] else None
        student, other = line["student"], line["other"]
        questions[f"{number}.first"] = pair_question(judge, request, student, other, reference)
        questions[f"{number}.second"] = pair_question(judge, request, other, student, reference)
    return questions


def with_verdicts(lines: Sequence[Line], replies: Mapping[str, JudgeReply]) -> list[Line]:
    """Return the lines with the judge's verdicts and replies."""
    judged = []
    for number, line in enumerate(lines):
        verdicts: Line = {}
        for order in ("first", "second"):
            if line["asked"]:
                text = replies[f"{number}.{order}"].text
                verdicts |= {order: read_verdict(text), f"{order}_text": text}
        judged.append(line | verdicts)
    return judged


def outcome_of(line: Line) -> Outcome:
    """Return the student's outcome in one pair."""
    if line["asked"]:
        return decide(line["first"], line["second"])
    if line["student"] is not None and line["other"] is None:
        return "win"
    return "loss" if line["student"] is None and line["other"] is not None else "tie"
