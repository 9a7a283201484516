"""Finds the teacher that students are compared with: the one that the recipe names, else the best of all."""

import json

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.evidence import read_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.evaluate import try_teacher
from tasks.evaluate_teacher import evaluate_api_teacher
from tasks.orchestration.compared_teacher import ComparedTeacher
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class ChooseTeacherParams(Params):
    """What the teachers are compared by."""

    skill: AnySkill
    labels: tuple[str, ...]
    metric: str


class ChooseTeacherSummary(StageSummary):
    """The place of the best teacher, of equals the first, and the metric of each, in [0, 1]."""

    best: int
    qualities: tuple[float, ...]


@stage("choose_teacher", version=1)
def choose_teacher(call: StageCall[ChooseTeacherParams]) -> ChooseTeacherSummary:
    """Write qualities.json, the metric of each teacher on the test rows; `answers_0` and so on hold their answers."""
    # imported here: it loads a library for a second, which a run with one teacher does without
    from stillhouse.evaluation.metrics import score

    params, test = call.params, call.folder("split") / "test.parquet"
    qualities = []
    for index in range(sum(name.startswith("answers_") for name in call.inputs)):
        found = read_evidence(test, [call.folder(f"answers_{index}")], params.labels, params.skill)
        answers = found.answers[ModelRole.TEACHER]
        scores = score((params.metric,), answers, found.references, params.labels, params.skill)
        qualities.append(scores[params.metric])
    (call.work.folder / "qualities.json").write_text(json.dumps(qualities))
    return ChooseTeacherSummary(best=qualities.index(max(qualities)), qualities=tuple(qualities))


def compared_teacher(
    run: Run, checkpoints: list[Checkpoint], rows: Rows, dataset: Built[FilterSummary]
) -> ComparedTeacher:
    """Return the teacher that the recipe names or has alone; else ask all about the test rows and return the best.

    The best of several on the rows of the comparison is the hardest to reach: chance is on the teacher's side.
    """
    recipe = run.recipe
    answered: dict[int, Built[GenerationSummary]] = {
        index: evaluate_api_teacher(run, rows, index, checkpoints[index])
        for index, teacher in recipe.tested_teachers.items()
        if teacher.endpoint
    }
    if len(recipe.tested_teachers) == 1:
        index = recipe.measured_index
        return ComparedTeacher(recipe, checkpoints[index], answered.get(index))
    inputs: dict[str, ArtifactRef] = {"split": rows.splits.ref}
    for index, checkpoint in enumerate(checkpoints):
        given = answered.get(index) or try_teacher(run, rows, dataset, index, checkpoint)
        inputs[f"answers_{index}"] = given.ref
    params = ChooseTeacherParams(skill=recipe.skill, labels=rows.labels, metric=recipe.evaluation.metrics[0])
    found = run.build(choose_teacher, inputs, params).summary
    names = [teacher.display_name for teacher in recipe.teachers]
    return ComparedTeacher(
        recipe=recipe.comparing_with(found.best),
        checkpoint=checkpoints[found.best],
        answered=answered.get(found.best),
        qualities=dict(zip(names, found.qualities, strict=True)),
    )
