"""Gives the teacher's answers to the test rows the second opinion, as the student's training labels have it."""

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.second_opinion import TEST_OPINIONS, combined_answers, read_opinions
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.evidence import ANSWERS, read_scored, write_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.teachers.calibration import read_prior
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.second_opinion import SecondOpinionSummary


class CombineTeacherParams(Params):
    """The labels, which of the recipe's teachers is compared, and what the second opinion counts."""

    labels: tuple[str, ...]
    teacher_index: int
    weight: float


@stage("combine_teacher", version=1)
def combine(call: StageCall[CombineTeacherParams]) -> EvaluateSummary:
    """Write answers.parquet and measurements.json of teacher and classifier together; no time is taken of them."""
    params, role = call.params, ModelRole.TEACHER_WITH_OPINION
    answers = combined_answers(
        read_scored(call.folder("evaluate") / ANSWERS)[ModelRole.TEACHER],
        read_prior(call.folder("filter"), params.teacher_index),
        read_opinions(call.folder("second_opinion") / TEST_OPINIONS),
        params.weight,
        params.labels,
    )
    lines = [{"model": role, "row_id": row_id, "answer": found, "text": found} for row_id, found in answers.items()]
    note = "made of the teacher's answers and of the classifier's; no times were taken"
    write_evidence(call.work.folder, lines, {role: {"engine": None, "notes": [note]}})
    return EvaluateSummary(models=(role,), rows=len(lines))


def combine_teacher(
    run: Run,
    rows: Rows,
    dataset: Built[FilterSummary],
    opinions: Built[SecondOpinionSummary] | None,
    evaluation: Built[EvaluateSummary],
) -> Built[EvaluateSummary] | None:
    """Return what the teacher answers to the test rows with the second opinion; None if the recipe wants none."""
    recipe = run.recipe
    if opinions is None or recipe.second_opinion is None:
        return None
    params = CombineTeacherParams(
        labels=rows.labels, teacher_index=recipe.measured_index, weight=recipe.second_opinion.weight
    )
    inputs = {"filter": dataset.ref, "second_opinion": opinions.ref, "evaluate": evaluation.ref}
    return run.build(combine, inputs, params)
