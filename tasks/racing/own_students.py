"""Trains the recipe's own student on halves of what a contestant has to teach, and asks it the validation rows."""

from stillhouse.evaluation.evidence import read_evidence
from stillhouse.metrics.metric import Answers
from stillhouse.racing.slices import read_gold
from tasks.convert import load_student_bases, load_teachers
from tasks.cut import cut_students
from tasks.evaluate import ask_student
from tasks.evaluate_encoder import evaluate_encoders
from tasks.orchestration.run import Run
from tasks.race_half import take_half
from tasks.racing.teach import Taught
from tasks.train import train_students


def train_own_students(run: Run, taught: Taught, draws: int, seed: int, label: str) -> list[Answers]:
    """Return what each of a contestant's students answers: [draws][validation rows]; none from a half without rows."""
    run, (_, rows, dataset) = run.with_recipe(taught.recipe), taught
    base, *_ = load_student_bases(run)
    teachers = load_teachers(run)
    # by all rows of the slice, so that each half trains the same student
    (base,) = cut_students(run, [base], dataset) if base.is_uncut else [base]
    gold = read_gold(run.store.fetch(rows.drawn.ref), run.recipe.skill)
    found: list[Answers] = []
    for draw in range(draws):
        name = f"{label}, draw {draw + 1}"
        half = take_half(run, rows, dataset, draw, seed, name)
        if not run.store.path(half.ref, "train.jsonl").stat().st_size:
            found.append([None] * len(gold))
            continue
        (student,) = train_students(run, [base], teachers, rows, half)
        if student.is_encoder:
            (built,) = evaluate_encoders(run, rows, [student])
        else:
            built = ask_student(run, rows, dataset, student, name)
        folder = run.store.fetch(rows.drawn.ref)
        evidence = read_evidence(folder / "test.parquet", [run.store.fetch(built.ref)], rows.labels, run.recipe.skill)
        answers = dict(zip((row["id"] for row in evidence.rows), evidence.answers[student.role], strict=True))
        found.append([answers[row["id"]] for row in gold])
    return found
