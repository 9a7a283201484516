"""The whole pipeline: from a recipe to a student and the proof of what it is worth."""

from typing import Any

from prefect import flow

from stillhouse.recipe.form import (
    DataInput,
    MaxTrainRowsInput,
    OverridesInput,
    RecipeInput,
    SizeInput,
    StudentInput,
    TeacherInput,
    TestDataInput,
    describe_inputs,
    recipe_changes,
)
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.balance import balance_rows
from tasks.convert import load_judge, load_student_base, load_teachers
from tasks.evaluate import evaluate_models
from tasks.filter import filter_completions
from tasks.initialise import initialise_student
from tasks.judge import score_completions
from tasks.judge_pairs import judge_pairs
from tasks.mix import generate_completions
from tasks.orchestration.preflight import start_run
from tasks.orchestration.registry import RefreshInput
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import join_prefect
from tasks.read import read_sources
from tasks.report import write_report
from tasks.split import split_rows
from tasks.train import train_labelled_only, train_student
from tasks.validate import validate_rows

# a form shows these as empty fields
NO_STAGES: list[str] = []
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="distill", flow_run_name="distill-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@describe_inputs
def distill(
    recipe: RecipeInput = "demo",
    data: DataInput = "",
    test_data: TestDataInput = "",
    teacher: TeacherInput = "",
    student: StudentInput = "",
    size: SizeInput = "full",
    max_train_rows: MaxTrainRowsInput = 0,
    refresh: RefreshInput = NO_STAGES,
    overrides: OverridesInput = NO_OVERRIDES,
) -> dict[str, Any]:
    """Distil a teacher into a student by a recipe, and compare them."""
    join_prefect()
    form = recipe_changes(
        data=data,
        test_data=test_data,
        teacher=teacher,
        student=student,
        size=size,
        max_train_rows=max_train_rows,
    )
    run = start_run(load_recipe(recipe, form | overrides), load_settings(), refresh)

    sources = read_sources(run)
    valid = validate_rows(run, sources)
    sides = split_rows(run, valid)
    balanced = balance_rows(run, sides)

    teachers, judge = load_teachers(run), load_judge(run)
    answers = generate_completions(run, teachers, sides, balanced)
    scores = score_completions(run, judge, answers, sides, balanced)
    dataset = filter_completions(run, answers, sides, balanced, scores)

    base = load_student_base(run)
    trained = train_student(run, base, dataset)
    labelled_only = train_labelled_only(run, base, dataset)
    untrained = initialise_student(run, base)

    measured = evaluate_models(run, sides, dataset, teachers[0], base, trained, untrained, labelled_only)
    judge_pairs(run, judge, sides, measured)
    report = write_report(run, teachers, base, judge)
    return {"run_id": run.id, "report": report.model_dump(mode="json")}
