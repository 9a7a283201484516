"""Has a judge score the teachers' completions, for the filter."""

from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import Built
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.data.row import Messages
from stillhouse.inference.api.redaction import redaction
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.questions import JudgeReply, read_replies, write_questions
from stillhouse.judging.scores import score_questions, write_scores
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.judge import SCORES, Judge
from stillhouse.recipe.teacher import Sampling
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.spec import GenerateSpec
from tasks.balance import Rows
from tasks.mix import Completions
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker


class JudgeParams(Params):
    """What every verdict goes by, whatever is asked."""

    judge_fingerprint: str
    endpoint: Endpoint | None
    redacted: IfSet[bool] = False
    sampling: Sampling
    skill: AnySkill
    labels: tuple[str, ...]
    instruction: str
    judge: Execution[Judge]
    path: Execution[str]
    cap: Execution[BudgetScope]


class JudgeSummary(GenerationSummary):
    """What asking the judge took, and its scores."""

    scored: int
    unreadable: int
    scores: dict[str, int]  # completions by score, 1 to 5


@stage("judge", version=1, on_device=True)
def judge(call: StageCall[JudgeParams]) -> JudgeSummary:
    """Write scores.parquet: the score of each completion by its key."""
    params = call.params
    tables = (call.folder("balance") / "train.parquet", call.folder("split") / "validation.parquet")
    rows = [row for table in tables for row in read_cases(table, params.skill)]
    completions = pq.read_table(call.folder("generate") / "completions.parquet").to_pylist()
    questions = score_questions(rows, completions, params.judge, params.skill, params.labels)
    summary, replies = ask_judge(call, questions, SCORES)
    return JudgeSummary.model_validate({**summary, **write_scores(call.work.folder / "scores.parquet", replies)})


def score_completions(
    run: Run, checkpoint: Checkpoint | None, completions: Completions, rows: Rows
) -> Built[JudgeSummary] | None:
    """Return the scores of the teachers' completions; None, and no stage, if no filter goes by them."""
    config = run.recipe.judge
    if checkpoint is None or config is None or not run.recipe.judge_chooses:
        return None
    params = JudgeParams(**judge_fields(run, config, checkpoint, rows.labels), instruction=config.score_prompt)
    scores = run.build(judge, {"generate": completions.ref, **rows.inputs, **checkpoint.inputs}, params)
    price = generation_price(config, run.recipe.costs)
    run.note_completions(Expense.JUDGE_SCORES, "judge: scores", scores, price)
    return scores


def judge_fields(run: Run, config: Judge, checkpoint: Checkpoint, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of `JudgeParams` but for the instruction."""
    return {
        "judge_fingerprint": checkpoint.fingerprint_as(config),
        "endpoint": config.endpoint,
        **(redaction(config.endpoint) if config.endpoint else {}),
        "sampling": config.sampling,
        "skill": run.recipe.skill,
        "labels": labels,
        "judge": config,
        "path": checkpoint.path,
        "cap": run.budget_for(config),
    }


def ask_judge(
    call: StageCall[Any], questions: dict[str, Messages], choices: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, JudgeReply]]:
    """Return what asking the questions took, and the judge's reply to each."""
    if not questions:
        return {}, {}
    summary = run_asking_worker(call, call.params.judge, "generate", questions_spec(call, questions, choices))
    return summary, read_replies(call.work.folder)


def questions_spec(call: StageCall[Any], questions: dict[str, Messages], choices: tuple[str, ...]) -> GenerateSpec:
    """Write the questions into the call's work folder, and return the spec of a worker that asks them."""
    params: JudgeParams = call.params
    return write_questions(
        call.work.folder,
        questions,
        params.judge.as_teacher(choices),
        model_path=params.path,
        fingerprint=params.judge_fingerprint,
        store=call.settings.store,
        cap=params.cap,
    )
