"""Teaches a student what a teacher has answered by now, and has it say how sure it is of what is not asked yet."""

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.dataset.summary import FilterSummary
from tasks.ask_student import ask_main_student
from tasks.asking.round import Asking
from tasks.cut import cut_students
from tasks.score_prompts import StudentAnswersSummary, score_by_encoder
from tasks.train import train_student


def teach_round(
    asking: Asking, dataset: Built[FilterSummary], asked: list[ArtifactRef], pool: int
) -> Built[StudentAnswersSummary]:
    """Return the answers of a student that learnt `dataset` from its base on, to up to `pool` prompts not in `asked`.

    It answers the validation rows too. The main student's last training is found again as that of the whole run.
    """
    run, rows = asking.run, asking.rows
    if run.recipe.rounds_student == "encoder":
        return score_by_encoder(run, rows, dataset, asked, pool)
    suffix = f" round {len(asked)}"
    (base,) = cut_students(run, asking.bases[:1], dataset, suffix)
    student = train_student(run, base, asking.teachers, rows, dataset, suffix)
    return ask_main_student(run, rows, dataset, asked, student, pool)
