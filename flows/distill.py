"""The whole pipeline: from a recipe to a student and the proof of what it is worth."""

from typing import Any

from prefect import flow

from tasks.balance import balance_training_rows
from tasks.checkpoint import load_student_base, load_teacher, untrained_student
from tasks.evaluate import measure_models
from tasks.filter import filter_answers
from tasks.generate import ask_teacher
from tasks.read import read_sources
from tasks.recipe.load import load_recipe
from tasks.report import write_report
from tasks.run import start_run
from tasks.runtime.guard import guard_ephemeral_server
from tasks.runtime.settings import load_settings
from tasks.split import split_rows_of
from tasks.train import train_labelled_only, train_student
from tasks.validate import validate_sources


@flow(name="distill", flow_run_name="distill-{recipe}", persist_result=False, validate_parameters=True)
def distill(
    recipe: str = "demo", refresh: list[str] | None = None, overrides: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Distil a teacher into a student by a recipe, and compare them.

    Args:
        recipe: a recipe's name in deployments/recipes, a path, or a URL.
        refresh: stages to build again even where they are cached; teacher answers are never asked again.
        overrides: recipe fields to change for this run, as {"training.epochs": 2}.
    """
    guard_ephemeral_server()
    run = start_run(load_recipe(recipe, overrides), load_settings(), refresh or [])

    sources = read_sources(run)
    valid = validate_sources(run, sources)
    sides = split_rows_of(run, valid)
    balanced = balance_training_rows(run, sides)

    teacher = load_teacher(run)
    answers = ask_teacher(run, teacher, sides, balanced)
    dataset = filter_answers(run, answers, sides, balanced)

    base = load_student_base(run)
    student = train_student(run, base, dataset)
    labelled_only = train_labelled_only(run, base, dataset)
    untrained = untrained_student(run, base)

    measure_models(run, sides, dataset, teacher, base, student, untrained, labelled_only)
    report = write_report(run, teacher, base)
    return {"run_id": run.id, "report": report.model_dump(mode="json")}
