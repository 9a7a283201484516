"""Asks every teacher of the recipe what it is to answer, and joins the answers of several into one table."""

from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.completions.table import mixed
from stillhouse.inference.models import Checkpoint
from tasks.generate import generate_with
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.route import route_prompts


@stage("mix", version=1)
def mix(call: StageCall) -> dict[str, Any]:
    """Write completions.parquet, each answer with the number of its teacher."""
    numbers = sorted(int(name.removeprefix("answers_")) for name in call.inputs)
    tables = {number: call.folder(f"answers_{number}") / "completions.parquet" for number in numbers}
    answers = mixed(tables)
    pq.write_table(answers, call.work.folder / "completions.parquet")
    return {"answers": len(answers), "teachers": numbers}


def generate_completions(
    run: Run, teachers: list[Checkpoint], sides: ArtifactRef, balanced: ArtifactRef
) -> ArtifactRef:
    """Return the answers of all teachers, each asked what the recipe routes to it; a single one is asked all.

    Raises:
        DataError: the rows lack what routing goes by.
    """
    if len(teachers) == 1:
        return generate_with(run, teachers[0], sides, balanced)
    answers: dict[int, ArtifactRef] = {}
    for place, teacher in enumerate(teachers):
        routed = route_prompts(run, place, answers, sides, balanced)
        # one that is needed for nothing is not started: an engine takes half a minute
        if routed is None or run.summary(f"route {run.recipe.teachers[place].called}")["routed"]:
            answers[place + 1] = generate_with(run, teacher, sides, balanced, place=place, routed=routed)
    return run.build(mix, {f"answers_{number}": ref for number, ref in answers.items()}, {})
