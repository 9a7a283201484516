"""Has a judge score the teacher's answers, for the filter."""

from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import usage_before
from stillhouse.costs.price import resolve_price
from stillhouse.data.row import Messages
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.questions import JudgeReply, read_replies, write_questions
from stillhouse.judging.scores import score_questions, write_scores
from stillhouse.recipe.judge import SCORES
from stillhouse.skills.cases import read_cases
from tasks.convert import fingerprint_of
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker


@stage("judge", version=1, on_device=True)
def judge_stage(call: StageCall) -> dict[str, Any]:
    """Write scores.parquet: the score of each of the teacher's answers by its key."""
    skill, labels = call.execution["skill"], call.identity["labels"]
    tables = (call.folder("balance") / "train.parquet", call.folder("split") / "validation.parquet")
    rows = [row for table in tables for row in read_cases(table, skill)]
    answers = pq.read_table(call.folder("generate") / "completions.parquet").to_pylist()
    questions = score_questions(rows, answers, call.execution["judge"], skill, labels)
    summary, said = ask_judge(call, questions, SCORES)
    return {**summary, **write_scores(call.work.folder / "scores.parquet", said)}


def score_completions(
    run: Run, judge: Checkpoint | None, answers: ArtifactRef, sides: ArtifactRef, balanced: ArtifactRef
) -> ArtifactRef | None:
    """Return the scores of the teacher's answers; None, and no stage, where no filter goes by them."""
    asked = run.recipe.judge
    if judge is None or asked is None or not run.recipe.judge_chooses:
        return None
    inputs = {"generate": answers, "split": sides, "balance": balanced, **judge.inputs}
    identity = {**judge_identity(run, judge), "instruction": asked.scores_by}
    return run.build(
        judge_stage, inputs, identity, judge=asked, skill=run.recipe.skill, path=judge.path, cap=judge_cap(run)
    )


def judge_cap(run: Run) -> BudgetScope:
    """Return what the judge may still cost, after all that was asked in this run."""
    recipe = run.recipe
    assert recipe.judge
    return BudgetScope(
        budget=recipe.budget, price=resolve_price(recipe.judge, recipe.costs), before=usage_before(run.results, recipe)
    )


def judge_identity(run: Run, judge: Checkpoint) -> dict[str, Any]:
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


def ask_judge(
    call: StageCall, questions: dict[str, Messages], choices: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, JudgeReply]]:
    """Return what it took to have the questions answered, and what was said to each."""
    if not questions:
        return GenerationSummary().record(), {}
    judge, folder = call.execution["judge"], call.work.folder
    spec = write_questions(
        folder,
        questions,
        judge.asked_for(choices),
        model_path=call.execution["path"],
        fingerprint=call.identity["judge_fingerprint"],
        store=call.settings.store,
        cap=call.execution["cap"],
    )
    return run_asking_worker(call, judge, "generate", spec), read_replies(folder)
