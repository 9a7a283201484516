"""Has a judge compare the student's answers to the test rows with others', for the report."""

from collections.abc import Sequence
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.evaluation.evidence import read_evidence
from stillhouse.evaluation.roles import BASELINES, ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.pairs import PAIR_SCHEMA, opponents, pair_lines, pair_questions, with_verdicts
from stillhouse.recipe.judge import VERDICTS, Judge
from tasks.balance import Rows
from tasks.judge import JudgeParams, ask_judge
from tasks.orchestration.params import IfSet, only
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class JudgePairsParams(JudgeParams):
    """What a comparison shows, and whom it compares the student with."""

    judge: Annotated[Judge, only("sampling", "show_reference", "against")]
    metric: str
    student: IfSet[ModelRole] = ModelRole.STUDENT


class JudgePairsSummary(GenerationSummary):
    """What the verdicts took, and the pairs compared."""

    pairs: int
    against: dict[str, str]  # what the recipe names -> the model it is in this run


@stage("judge_pairs", version=1, on_device=True)
def judge_pairs(call: StageCall[JudgePairsParams]) -> JudgePairsSummary:
    """Write pairs.parquet: the student's answers beside others', with the verdicts in both orders."""
    params = call.params
    test = call.folder("split") / "test.parquet"
    folders = [call.folder(name) for name in ("evaluate", "evaluate_student") if name in call.inputs]
    evidence = read_evidence(test, folders, params.labels, params.skill)
    against = opponents(params.judge, evidence.answers, evidence.references, params.skill, params.metric, BASELINES)
    lines = pair_lines(evidence.rows, evidence.answers, against, params.student)
    questions = pair_questions(lines, evidence.rows, params.judge, params.skill, params.labels)
    summary, replies = ask_judge(call, questions, VERDICTS)
    judged = with_verdicts(lines, replies)
    pq.write_table(pa.Table.from_pylist(judged, schema=PAIR_SCHEMA), call.work.folder / "pairs.parquet")
    return JudgePairsSummary(**dict(summary), pairs=len(judged), against=against)


def compare_pairs(
    run: Run,
    checkpoint: Checkpoint | None,
    rows: Rows,
    evaluations: Sequence[Built[EvaluateSummary]],
    student: ModelRole,
) -> Built[JudgePairsSummary] | None:
    """Return the verdicts on a student's answers to the test rows; None, and no stage, if the recipe wants none.

    The first of `evaluations` has the models that the student is compared with.
    """
    config = run.recipe.judge
    if checkpoint is None or config is None or not config.against:
        return None
    main = evaluations[0]
    own = next(one for one in evaluations if student in one.summary.models)
    params = JudgePairsParams.by(
        run,
        config,
        checkpoint,
        rows,
        instruction=config.pair_prompt,
        metric=run.recipe.evaluation.metrics[0],
        student=student,
    )
    inputs = {"evaluate": main.ref, "split": rows.splits.ref, **checkpoint.inputs}
    if own is not main:
        inputs["evaluate_student"] = own.ref
    verdicts = run.build(judge_pairs, inputs, params)
    price = generation_price(config, run.recipe.costs)
    run.note_completions(Expense.JUDGE_PAIRS, "judge: pairs", verdicts, price)
    return verdicts
