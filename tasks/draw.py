"""Has the teachers served here draw tokens at each position of their completions, for students that learn them."""

from pydantic import Field

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.config import optional_identity
from stillhouse.inference.models import Checkpoint
from stillhouse.teachers.spec import DrawSpec
from tasks.balance import Rows
from tasks.generate import generation_params
from tasks.mix import Completions
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


class DrawParams(GenerationParams):
    """All that decides a teacher's completions, and what is drawn at each of their tokens."""

    draws: int = Field(ge=1)
    temperature: float = optional_identity(1.0, "of the distribution that is drawn from")


class DrawSummary(StageSummary):
    """Completions with draws, and their tokens."""

    completions: int
    tokens: int


@stage("draw", version=1, on_device=True)
def draw(call: StageCall[DrawParams]) -> DrawSummary:
    """Write draws.parquet: of each completion, by its key, the tokens drawn at each position."""
    params = call.params
    spec = DrawSpec(
        **params.spec_fields(call.folders, call.settings.store),
        draws=params.draws,
        temperature=params.temperature,
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.DRAW, spec, DrawSummary)


def draw_tokens(
    run: Run, checkpoints: list[Checkpoint], completions: Completions, rows: Rows
) -> dict[int, Built[DrawSummary]]:
    """Return the draws of each teacher by its number from 1; none if no student learns them."""
    asked = run.recipe.token_draws
    if asked is None:
        return {}
    found = {}
    # a recipe with rounds is refused, so that each teacher was asked once
    for number, (answers,) in completions.by_teacher.items():
        checkpoint = checkpoints[number - 1]
        own = {"draws": asked.draws, "temperature": asked.temperature}
        params = generation_params(run, number - 1, checkpoint, rows, DrawParams, **own)
        inputs = {**rows.inputs, **checkpoint.inputs, "generate": answers.ref}
        teacher = run.recipe.teachers[number - 1]
        label = f"draw {teacher.display_name}" if run.recipe.has_several else "draw"
        found[number] = run.build(draw, inputs, params, label=label)
    return found
