"""Has a judge compare the student's answers to the test rows with others', for the report."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.evaluation.evidence import read_evidence
from stillhouse.evaluation.roles import BASELINES
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.pairs import PAIR_SCHEMA, opponents, pair_lines, pair_questions, with_verdicts
from stillhouse.recipe.judge import VERDICTS
from tasks.judge import ask_judge, judge_cap, judge_identity
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


@stage("judge_pairs", version=1, on_device=True)
def judge_pairs_stage(call: StageCall) -> dict[str, Any]:
    """Write pairs.parquet: the student's answers beside others', with the verdicts in both orders."""
    judge, skill, labels = call.execution["judge"], call.execution["skill"], call.identity["labels"]
    found = read_evidence(call.folder("split") / "test.parquet", call.folder("evaluate"), labels, skill)
    metric = call.identity["metric"]
    against = opponents(judge, found.answers, found.references, skill, metric, BASELINES)
    lines = pair_lines(found.rows, found.answers, against)
    summary, said = ask_judge(call, pair_questions(lines, found.rows, judge, skill, labels), VERDICTS)
    judged = with_verdicts(lines, said)
    pq.write_table(pa.Table.from_pylist(judged, schema=PAIR_SCHEMA), call.work.folder / "pairs.parquet")
    return {**summary, "pairs": len(judged), "against": against}


def judge_pairs(run: Run, judge: Checkpoint | None, sides: ArtifactRef, measured: ArtifactRef) -> ArtifactRef | None:
    """Return the verdicts on the student's answers to the test rows; None, and no stage, where none are asked for."""
    asked = run.recipe.judge
    if judge is None or asked is None or not asked.against:
        return None
    inputs = {"evaluate": measured, "split": sides, **judge.inputs}
    identity = {
        **judge_identity(run, judge),
        "instruction": asked.pairs_by,
        "show_reference": asked.show_reference,
        "against": asked.against,
        "metric": run.recipe.evaluation.metrics[0],
    }
    return run.build(
        judge_pairs_stage, inputs, identity, judge=asked, skill=run.recipe.skill, path=judge.path, cap=judge_cap(run)
    )
