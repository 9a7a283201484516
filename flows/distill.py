"""The whole pipeline: from a recipe to a student and the proof of what it is worth."""

from typing import Any

from prefect import flow

from flows.dataset import make_dataset
from stillhouse.recipe import form
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.alternatives import measure_alternatives
from tasks.balance import balance_rows
from tasks.choose_teacher import compared_teacher
from tasks.combine_teacher import combine_teacher
from tasks.convert import load_judge, load_student_bases, load_teachers
from tasks.cut import cut_students
from tasks.evaluate import evaluate_models
from tasks.evaluate_encoder import evaluate_encoders
from tasks.evaluate_export import evaluate_exports, passed_exports
from tasks.export import export_student
from tasks.initialise import initialise_student
from tasks.judge_pairs import compare_pairs
from tasks.label_curve import measure_label_curve
from tasks.orchestration.champion import find_champion
from tasks.orchestration.compatibility import check_compatibility
from tasks.orchestration.preflight import start_run
from tasks.orchestration.registry import RefreshInput
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import Run, join_prefect
from tasks.orchestration.student_models import Measurable
from tasks.promote import promote_student
from tasks.read import read_sources
from tasks.register import register_student
from tasks.report import write_report
from tasks.reporting.best_student import best_student
from tasks.reporting.inputs import ReportInputs
from tasks.split import split_rows
from tasks.state_origin import state_origin
from tasks.train import train_labelled_only, train_students
from tasks.validate import validate_rows

# a form shows these as empty fields
NO_STAGES: list[str] = []
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="distill", flow_run_name="distill-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@form.describe_inputs
@one_line_errors("distill")
def distill(
    recipe: form.RecipeInput = "demo",
    data: form.DataInput = "",
    test_data: form.TestDataInput = "",
    teacher: form.TeacherInput = "",
    student: form.StudentInput = "",
    size: form.SizeInput = "full",
    max_train_rows: form.MaxTrainRowsInput = 0,
    refresh: RefreshInput = NO_STAGES,
    overrides: form.OverridesInput = NO_OVERRIDES,
) -> dict[str, Any]:
    """Distil a teacher into a student by a recipe, and compare them."""
    join_prefect()
    changes = form.recipe_changes(
        data=data, test_data=test_data, teacher=teacher, student=student, size=size, max_train_rows=max_train_rows
    )
    with start_run(load_recipe(recipe, changes | overrides), load_settings(), refresh) as run:
        return run_stages(run)


def run_stages(run: Run) -> dict[str, Any]:
    """Run every stage of the pipeline in order, and return the run's id and its report."""
    sources = read_sources(run)
    valid = validate_rows(run, sources)
    splits = split_rows(run, valid)
    rows = balance_rows(run, valid, splits)

    teachers, judge = load_teachers(run), load_judge(run)
    # before the teachers are paid: a student that can't be trained shows here
    bases = load_student_bases(run)
    check_compatibility(run, bases, teachers)
    untrained = initialise_student(run, bases, rows)

    completions, scores, opinions, dataset = make_dataset(run, teachers, judge, bases, rows)

    bases = cut_students(run, bases, dataset)
    # one that is cut by what training examples show
    untrained = untrained or initialise_student(run, bases, rows)
    students = train_students(run, bases, teachers, rows, dataset)
    labelled_only = train_labelled_only(run, students[0], rows, dataset)
    champion = find_champion(run, students)
    models: list[Measurable] = [*students, *filter(None, [untrained, labelled_only]), *champion.models]

    alternatives = measure_alternatives(run, rows, dataset)
    label_curve = measure_label_curve(run, rows)
    encoders = evaluate_encoders(run, rows, models)
    compared = compared_teacher(run, teachers, rows, dataset)
    evaluation = evaluate_models(run, rows, dataset, compared, bases[0], models)
    evaluations = [evaluation, *encoders]
    combined = combine_teacher(run, rows, dataset, opinions, evaluation)
    best = best_student(run, rows, dataset, evaluations)
    verdicts = compare_pairs(run, judge, rows, evaluations, best)
    exports = export_student(run, students, best)
    measured_exports = evaluate_exports(run, rows, exports)
    report = write_report(
        run,
        ReportInputs(
            sources=sources,
            rows=rows,
            teachers=teachers,
            compared=compared,
            judge=judge,
            completions=completions,
            scores=scores,
            dataset=dataset,
            students=students,
            best=best,
            champion=champion,
            evaluation=evaluation,
            encoders=encoders,
            combined=combined,
            alternatives=alternatives,
            label_curve=label_curve,
            verdicts=verdicts,
            exports=measured_exports,
        ),
    )
    version = register_student(run, report, students, passed_exports(report, exports))
    state_origin(run, version)
    is_champion = promote_student(run, report, version)
    return {
        "run_id": run.id,
        "report": report.model_dump(mode="json"),
        "model": version.reference,
        "is_champion": is_champion,
    }
