"""Has a judge score the teacher's answers and compare the student's with others', for filter and report."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.artifacts.ref import ArtifactRef
from tasks.asking_stage import run_asking_worker
from tasks.checkpoint import fingerprint_of
from tasks.costs.allowance import Cap
from tasks.costs.ledger import taken
from tasks.costs.tariff import tariff_of
from tasks.engines.checkpoints import Checkpoint
from tasks.judging.asking import NOTHING_ASKED, Said, Turns, read_said, write_questions
from tasks.judging.pairs import PAIR_SCHEMA, opponents, pair_lines, pair_questions, with_verdicts
from tasks.judging.scores import score_questions, write_scores
from tasks.recipe.judge import SCORES, VERDICTS
from tasks.reports.collect import BASELINES, read_evidence
from tasks.reports.judged import asked_now, judge_block
from tasks.run import Run
from tasks.skills.rows import read_cases
from tasks.stage import StageCall, stage
from tasks.teachers.api.outgoing import redaction


@stage("judge", version=1, on_device=True)
def score(call: StageCall) -> dict[str, Any]:
    """Write scores.parquet: the score of each of the teacher's answers by its key."""
    skill, labels = call.execution["skill"], call.identity["labels"]
    tables = (call.folder("balance") / "train.parquet", call.folder("split") / "validation.parquet")
    rows = [row for table in tables for row in read_cases(table, skill)]
    answers = pq.read_table(call.folder("generate") / "completions.parquet").to_pylist()
    questions = score_questions(rows, answers, call.execution["judge"], skill, labels)
    summary, said = _ask(call, questions, SCORES)
    return {**summary, **write_scores(call.work.folder / "scores.parquet", said)}


@stage("judge_pairs", version=1, on_device=True)
def compare_pairs(call: StageCall) -> dict[str, Any]:
    """Write pairs.parquet: the student's answers beside others', with the verdicts in both orders."""
    judge, skill, labels = call.execution["judge"], call.execution["skill"], call.identity["labels"]
    found = read_evidence(call.folder("split") / "test.parquet", call.folder("evaluate"), labels, skill)
    metric = call.identity["metric"]
    against = opponents(judge, found.answers, found.references, skill, metric, BASELINES)
    lines = pair_lines(found.rows, found.answers, against)
    summary, said = _ask(call, pair_questions(lines, found.rows, judge, skill, labels), VERDICTS)
    judged = with_verdicts(lines, said)
    pq.write_table(pa.Table.from_pylist(judged, schema=PAIR_SCHEMA), call.work.folder / "pairs.parquet")
    return {**summary, "pairs": len(judged), "against": against}


def score_answers(
    run: Run, judge: Checkpoint | None, answers: ArtifactRef, sides: ArtifactRef, balanced: ArtifactRef
) -> ArtifactRef | None:
    """Return the scores of the teacher's answers; None, and no stage, where no filter goes by them."""
    asked = run.recipe.judge
    if judge is None or asked is None or not run.recipe.judge_chooses:
        return None
    inputs = {"generate": answers, "split": sides, "balance": balanced, **judge.inputs}
    identity = {**judging_identity(run, judge), "instruction": asked.scores_by}
    return run.build(score, inputs, identity, judge=asked, skill=run.recipe.skill, path=judge.path, cap=_cap(run))


def judge_answers(run: Run, judge: Checkpoint | None, sides: ArtifactRef, measured: ArtifactRef) -> ArtifactRef | None:
    """Return the verdicts on the student's answers to the test rows; None, and no stage, where none are asked for."""
    asked = run.recipe.judge
    if judge is None or asked is None or not asked.against:
        return None
    inputs = {"evaluate": measured, "split": sides, **judge.inputs}
    identity = {
        **judging_identity(run, judge),
        "instruction": asked.pairs_by,
        "show_reference": asked.show_reference,
        "against": asked.against,
        "metric": run.recipe.evaluation.metrics[0],
    }
    return run.build(
        compare_pairs, inputs, identity, judge=asked, skill=run.recipe.skill, path=judge.path, cap=_cap(run)
    )


def _cap(run: Run) -> Cap:
    recipe = run.recipe
    assert recipe.judge
    return Cap(budget=recipe.budget, tariff=tariff_of(recipe.judge, recipe.costs), before=taken(run.results, recipe))


def judge_report(run: Run, judge: Checkpoint, teachers: list[Checkpoint], base: Checkpoint) -> dict[str, Any]:
    """Return the report's `judge` block of a finished run; what a cached stage had asked was asked before."""
    asked, pairs = run.recipe.judge, run.results.get(compare_pairs.name)
    assert asked
    kin = {"teacher": teachers, "student's base": [base]}
    took = {
        name: asked_now(result.summary, cached=result.cached)
        for name in (score.name, compare_pairs.name)
        if (result := run.results.get(name))
    }
    return judge_block(
        asked,
        judge.model.name,
        run.recipe.evaluation,
        pq.read_table(run.store.path(pairs.ref, "pairs.parquet")).to_pylist() if pairs else [],
        took.get(compare_pairs.name),
        took.get(score.name),
        [role for role, models in kin.items() if any(judge.is_same_model(one) for one in models)],
    )


def judging_identity(run: Run, judge: Checkpoint) -> dict[str, Any]:
    """Return what every verdict goes by, whatever is asked."""
    asked = run.recipe.judge
    assert asked
    return {
        "judge_fingerprint": fingerprint_of(judge, asked),
        "endpoint": asked.endpoint,
        **(redaction(asked.endpoint) if asked.endpoint else {}),
        "sampling": asked.sampling,
        "skill": run.recipe.skill,
        "labels": run.summary("validate")["labels"],
    }


def _ask(
    call: StageCall, questions: dict[str, Turns], choices: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Said]]:
    """Return what it took to have the questions answered, and what was said to each."""
    if not questions:
        return NOTHING_ASKED, {}
    judge, folder = call.execution["judge"], call.work.folder
    spec = write_questions(
        folder,
        questions,
        judge,
        choices,
        model_path=call.execution["path"],
        fingerprint=call.identity["judge_fingerprint"],
        store=call.settings.store,
        cap=call.execution["cap"],
    )
    return run_asking_worker(call, judge, "worker", spec), read_said(folder)
