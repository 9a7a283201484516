"""Has a judge score the teachers' completions, for the filter."""

from typing import Annotated, Any, Self

import pyarrow.parquet as pq
from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.config import optional_identity
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.data.row import Messages
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.questions import JudgeReply, read_replies, write_questions
from stillhouse.judging.scores import score_questions, write_scores
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.judge import SCORES, Judge
from stillhouse.skills.cases import read_splits
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.spec import GenerateSpec
from tasks.balance import Rows
from tasks.mix import Completions
from tasks.orchestration.generation import ModelParams
from tasks.orchestration.params import only
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_completion_worker


class JudgeParams(ModelParams):
    """All that decides a judge's replies, but for the questions."""

    fingerprint: str = Field(alias="judge_fingerprint")
    endpoint: Endpoint | None
    judge: Annotated[Judge, only("sampling", "chat_template_kwargs", "template_date")]
    skill: AnySkill
    instruction: str
    target_version: int = optional_identity(1, "of what the skill makes of an answer for the student, which is scored")

    @classmethod
    def by(cls, run: Run, judge: Judge, checkpoint: Checkpoint, rows: Rows, **own: Any) -> Self:
        """Return the parameters of requests to `judge`; `own` holds the instruction and the fields of a subclass."""
        return cls.of(run, judge, checkpoint, rows.labels, judge=judge, skill=run.recipe.skill, **own)


class JudgeSummary(GenerationSummary):
    """What the judge's replies took, and its scores."""

    scored: int
    unreadable: int
    scores: dict[str, int]  # completions by score, 1 to 5


@stage("judge", version=2, on_device=True)
def judge(call: StageCall[JudgeParams]) -> JudgeSummary:
    """Write scores.parquet: the score of each completion by its key."""
    params = call.params
    train, validation = read_splits(call.folder("balance"), call.folder("split"), params.skill)
    completions = pq.read_table(call.folder("generate") / "completions.parquet").to_pylist()
    questions = score_questions([*train, *validation], completions, params.judge, params.skill, params.labels)
    summary, replies = ask_judge(call, questions, SCORES)
    return JudgeSummary(**dict(summary), **write_scores(call.work.folder / "scores.parquet", replies))


def score_completions(
    run: Run, checkpoint: Checkpoint | None, completions: Completions, rows: Rows
) -> Built[JudgeSummary] | None:
    """Return the scores of the teachers' completions; None, and no stage, if no filter uses them."""
    if checkpoint is None or not run.recipe.judge_chooses:
        return None
    return score_answers(run, checkpoint, completions.ref, rows)


def score_answers(
    run: Run, checkpoint: Checkpoint, answers: ArtifactRef, rows: Rows, suffix: str = ""
) -> Built[JudgeSummary]:
    """Return the judge's scores of a table of answers to training and validation rows, whoever gave them.

    Of several rounds each has a `suffix` of its own.
    """
    config = run.recipe.judge
    assert config is not None, "only a recipe with a judge has a checkpoint of it"
    version = run.recipe.skill.target_version
    params = JudgeParams.by(run, config, checkpoint, rows, instruction=config.score_prompt, target_version=version)
    inputs = {"generate": answers, **rows.inputs, **checkpoint.inputs}
    scores = run.build(judge, inputs, params, label=f"judge{suffix}")
    price = generation_price(config, run.recipe.costs)
    run.note_completions(Expense.JUDGE_SCORES, f"judge: scores{suffix}", scores, price)
    return scores


def ask_judge(
    call: StageCall[Any], questions: dict[str, Messages], choices: tuple[str, ...]
) -> tuple[GenerationSummary, dict[str, JudgeReply]]:
    """Return what the judge's replies took, and its reply to each question."""
    if not questions:
        return GenerationSummary(), {}
    summary = run_completion_worker(call, "generate", questions_spec(call, questions, choices))
    return summary, read_replies(call.work.folder)


def questions_spec(call: StageCall[Any], questions: dict[str, Messages], choices: tuple[str, ...]) -> GenerateSpec:
    """Write the questions into the call's work folder, and return the spec of a worker that sends them."""
    params: JudgeParams = call.params
    spec = write_questions(
        call.work.folder,
        questions,
        params.judge.as_teacher(choices),
        model_path=params.model_path,
        fingerprint=params.fingerprint,
        store=call.settings.store,
        budget=params.budget,
    )
    return spec.model_copy(update={"refusal": params.refusal})
