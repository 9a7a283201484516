"""Has the judge score the answers of a plan's probes, for a forecast; a later run finds what it said."""

import hashlib
from pathlib import Path
from typing import Any

from stillhouse.artifacts.fingerprint import canonical_json
from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import resolve_price
from stillhouse.data.row import Messages
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.questions import write_questions
from stillhouse.recipe.judge import SCORES
from stillhouse.teachers.probe import LESSONS, write_probe
from stillhouse.teachers.spec import ProbeSpec, write_row_ids
from tasks.convert import fingerprint_of
from tasks.judge import judge_identity
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker
from tasks.probe import PROMPTS, inputs_in, named, read_probes, spent_on_probes


@stage("probe_judge", version=1, on_device=True)
def probe_judge(call: StageCall) -> dict[str, Any]:
    """Write asked.parquet, which names the questions about the answers known, and probe.json; scores go to the store.

    Asked are those about the answers to the probes' prompts; where these have none, a few of the others.
    """
    recipe, folder, inputs = call.execution["recipe"], call.work.folder, inputs_in(call)
    questions = inputs.score_questions()
    if not questions:
        write_probe(folder, {LESSONS: []}, {}, [], is_exact=True, label_token_ids=None)
        return GenerationSummary().record()
    spec = _spec(call, questions, sorted(inputs.sampled_keys & questions.keys()))
    summary = run_asking_worker(call, recipe.judge, "probe", spec)
    for path in spec.rows:
        Path(path).unlink()
    return summary


def probe_scores(
    run: Run,
    judge: Checkpoint | None,
    teachers: list[Checkpoint],
    probes: list[ArtifactRef],
    sides: ArtifactRef,
    balanced: ArtifactRef,
) -> ArtifactRef | None:
    """Return what the judge would be asked about the answers known; None, and no stage, where no filter goes by it."""
    recipe = run.recipe
    asked = recipe.judge
    if judge is None or asked is None or not recipe.judge_chooses:
        return None
    stored = sorted({key for one in read_probes(run, teachers, probes) for key in one.requests.stored})
    return run.build(
        probe_judge,
        {"split": sides, "balance": balanced, **named(probes), **judge.inputs},
        {
            **judge_identity(run, judge),
            "instruction": asked.scores_by,
            "prompts": PROMPTS,
            # a plan made anew once more is known asks about that
            "answers": hashlib.sha256(canonical_json(stored)).hexdigest(),
        },
        label="probe judge",
        recipe=recipe,
        fingerprints=[fingerprint_of(one, teacher) for one, teacher in zip(teachers, recipe.teachers, strict=True)],
        path=judge.path,
        cap=BudgetScope(budget=recipe.budget, price=resolve_price(asked, recipe.costs), before=spent_on_probes(run)),
    )


def _spec(call: StageCall, questions: dict[str, Messages], among: list[str]) -> ProbeSpec:
    folder = call.work.folder
    asked = write_questions(
        folder,
        questions,
        call.execution["recipe"].judge.asked_for(SCORES),
        model_path=call.execution["path"],
        fingerprint=call.identity["judge_fingerprint"],
        store=call.settings.store,
        cap=call.execution["cap"],
    )
    if not among:
        return ProbeSpec(**dict(asked), prompts=call.identity["prompts"])
    write_row_ids(among, folder)
    return ProbeSpec(**dict(asked), prompts=len(among), among=str(folder / "prompts.parquet"))
