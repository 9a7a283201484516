"""Has the judge score the completions of a plan's probes, for a forecast; a later run finds its scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.data.row import Messages
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.scores import score_questions
from stillhouse.recipe.judge import SCORES
from stillhouse.teachers.probe import PROMPT_ROWS, write_probe
from stillhouse.teachers.probe_result import ProbeResult
from stillhouse.teachers.spec import ProbeSpec, write_row_ids
from tasks.balance import Rows
from tasks.judge import JudgeParams, questions_spec
from tasks.orchestration.probes import PlanParams, Probes, fingerprints_of, plan_inputs, probe_inputs, read_probes
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_completion_worker
from tasks.probe import PROMPTS


class ProbeJudgeParams(JudgeParams, PlanParams):
    """How many questions are sent at most, and about which completions."""

    prompts: int
    answers: str  # SHA-256 over the known completions' keys: a later plan has questions about later completions too


@stage("probe_judge", version=1, on_device=True)
def probe_judge(call: StageCall[ProbeJudgeParams]) -> GenerationSummary:
    """Write asked.parquet, which lists the questions about the stored completions, and probe.json.

    The questions are about the completions of the probes' prompts, or about a few others if these have none. Its
    scores go to the completion store.
    """
    params, folder = call.params, call.work.folder
    inputs = plan_inputs(call)
    questions = score_questions(inputs.rows, stored_lines(inputs.probes), params.judge, params.skill, params.labels)
    if not questions:
        write_probe(folder, {PROMPT_ROWS: []}, {}, [], is_exact=True)
        return GenerationSummary()
    spec = _spec(call, questions, sorted(inputs.sampled_keys & questions.keys()))
    summary = run_completion_worker(call, "probe", spec)
    for path in spec.rows:
        Path(path).unlink()
    return summary


def probe_scores(
    run: Run, checkpoint: Checkpoint | None, teachers: list[Checkpoint], probes: Probes, rows: Rows
) -> Built[GenerationSummary] | None:
    """Return the questions to the judge about the stored completions; None, and no stage, if no filter needs it."""
    recipe, config = run.recipe, run.recipe.judge
    if checkpoint is None or config is None or not recipe.judge_chooses:
        return None
    prompts = [prompt for probe in read_probes(run, teachers, probes) for prompt in probe.prompts]
    keys = sorted({completion.key for prompt in prompts for completion in prompt.stored})
    params = ProbeJudgeParams.by(
        run,
        config,
        checkpoint,
        rows,
        instruction=config.score_prompt,
        prompts=PROMPTS,
        answers=sha256_json(keys),
        recipe=recipe,
        fingerprints=fingerprints_of(run, teachers),
    )
    inputs = {**rows.inputs, **probe_inputs(probes), **checkpoint.inputs}
    return run.build(probe_judge, inputs, params, label="probe judge")


def stored_lines(probes: Sequence[ProbeResult]) -> list[dict[str, Any]]:
    """Return the completions of the rows that have all of a teacher's, as lines of the table of completions.

    They come teacher by teacher: their order is that of the questions, and so decides the bytes of asked.parquet.
    """
    return [
        line
        for number, probe in enumerate(probes, start=1)
        for own in probe.lines_of(probe.completed, number).values()
        for line in own
    ]


def _spec(call: StageCall[ProbeJudgeParams], questions: dict[str, Messages], among: list[str]) -> ProbeSpec:
    params, folder = call.params, call.work.folder
    spec = questions_spec(call, questions, SCORES)
    if not among:
        return ProbeSpec(**dict(spec), prompts=params.prompts)
    write_row_ids(among, folder)
    return ProbeSpec(**dict(spec), prompts=len(among), among=str(folder / "prompts.parquet"))
