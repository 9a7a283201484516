"""The whole pipeline: from a recipe to a student and the proof of what it is worth."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from stillhouse.recipe.form import Size, StageName, recipe_changes
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
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import join_prefect
from tasks.read import read_sources
from tasks.report import write_report
from tasks.split import split_rows
from tasks.train import train_labelled_only, train_student
from tasks.validate import validate_rows

# a form shows these as empty fields
NO_STAGES: list[StageName] = []
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="distill", flow_run_name="distill-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
def distill(
    recipe: str = "demo",
    data: str = "",
    test_data: str = "",
    teacher: str = "",
    student: str = "",
    size: Size = "full",
    max_train_rows: Annotated[int, Field(ge=0, le=10_000_000)] = 0,
    refresh: list[StageName] = NO_STAGES,
    overrides: dict[str, Any] = NO_OVERRIDES,
) -> dict[str, Any]:
    """Distil a teacher into a student by a recipe, and compare them.

    Args:
        recipe: A recipe's name in deployments/recipes (such as demo), a path, or a URL (s3://bucket/recipe.yaml).
        data: Training prompts in place of the recipe's: a file, folder, glob or URL (s3://bucket/messages.jsonl) with
            the columns that the recipe names. Empty keeps the recipe's.
        test_data: Gold test rows in place of the recipe's. Empty keeps the recipe's.
        teacher: The teacher's model in place of the recipe's: a folder, a GGUF file or a hub name, or behind the
            recipe's endpoint its name there. Of several teachers it is the first. Empty keeps it.
        student: The model the student is made from, in place of the recipe's. Empty keeps the recipe's.
        size: full is the recipe as it is; trial takes 1000 training and 200 test rows at most; smoke 100 and 50, and
            10 training steps, to see in minutes whether everything works.
        max_train_rows: Rows that the teacher is asked about at most, 0 to 10000000; 0 sets no limit beside the size's.
        refresh: Stages to build again even where they are cached. Stored teacher answers are never asked again.
        overrides: Any other recipe field for this run, as {"training.epochs": 2}. Wins over the fields above.
    """
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
