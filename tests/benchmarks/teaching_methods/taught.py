"""One student taught by one method, measured on validation rows: a flow of the benchmark's own."""

from typing import Any

from prefect import flow

from flows.sweep import prepare
from stillhouse.evaluation.evidence import ANSWERS, read_scored
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import validation_truth
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.skills.cases import read_cases
from tasks.cut import cut_students
from tasks.evaluate_trial import measure_trial
from tasks.orchestration.preflight import start_run
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import join_prefect
from tasks.train import train_students

MOST_ROWS = 1000


@flow(name="taught", persist_result=False, result_serializer=PLAIN_JSON)
def taught(recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return how many validation rows with a known answer the recipe's first student has right, and what it took."""
    join_prefect()
    with start_run(load_recipe(recipe, changes), load_settings(), []) as run:
        data = prepare(run)
        main = data.bases[0]
        bases = cut_students(run, [main], data.dataset) if main.is_uncut else [main]
        (student,) = train_students(run, bases, data.teachers, data.rows, data.dataset)
        answered = measure_trial(run, data.rows, student, max_rows=MOST_ROWS, is_timed=False)
        skill = run.recipe.skill
        rows = read_cases(run.store.path(data.rows.splits.ref, "validation.parquet"), skill)
        truth = validation_truth(rows, run.store.fetch(data.dataset.ref), skill, data.rows.labels)
        found = read_scored(run.store.fetch(answered.ref) / ANSWERS)[ModelRole.STUDENT]
    known = {name: one for name, one in truth.items() if name in found and one.has_reference}
    right = [bool(skill.verify(found[name].answer or "", one.accepted)) for name, one in known.items()]
    return {
        "right": sum(right),
        "rows": len(right),
        "seconds": student.built.summary.seconds,
        "steps": student.built.summary.steps,
    }
