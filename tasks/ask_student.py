"""Has a round's student, the recipe's first one, answer prompts not asked yet and the validation rows."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.dataset.second_opinion import write_opinions
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.alternatives.texts import texts_of_examples
from stillhouse.evaluation.encoder_spec import EncoderEvaluateSpec
from stillhouse.evaluation.evidence import ANSWERS, VALIDATION
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec, EvaluateSummary
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.rounds.student_answers import OTHERS, write_for_judge, write_pool
from stillhouse.skills.cases import read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from tasks.asking.asked import asked_before, before
from tasks.balance import Rows
from tasks.orchestration.candidates import student_candidates
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentModel
from tasks.orchestration.workers import Worker, run_engine_worker
from tasks.score_prompts import StudentAnswersSummary, pool_of

_POOL = "pool.parquet"


class AskStudentParams(Params):
    """How the student is asked, and about which prompts."""

    skill: AnySkill
    labels: tuple[str, ...]
    skip_labelled: bool
    pool: int  # prompts at most; 0: none, after the last round
    with_other: bool  # also regression on TF-IDF, to see where the two differ
    for_judge: bool
    seed: int
    asked: dict[str, Any]  # how an engine is asked
    evaluation: Execution[Evaluation]
    teacher: Execution[Teacher]
    candidate: Execution[Candidate | None] = Field(None)  # None: an encoder, which onnxruntime serves


@stage("ask_student", version=1, on_device=True)
def ask_student(call: StageCall[AskStudentParams]) -> StudentAnswersSummary:
    """Write answers.parquet and validation.parquet, a student's answers with their log-probabilities."""
    params, split, out = call.params, call.folder("split"), call.work.folder
    train, _ = read_splits(call.folder("balance"), split, params.skill)
    pool = pool_of(rows_to_ask(train, params.skip_labelled), asked_before(call), params.pool, params.seed)
    ids = frozenset(row["id"] for row in pool)
    write_pool(call.folder("balance") / "train.parquet", ids, params.skill, out / _POOL)
    # an engine starts with prompts alone: after the last round the validation rows stand in for them
    _answer(call, out / _POOL if pool else split / "validation.parquet")
    (out / _POOL).unlink()
    lines = [line for line in pq.read_table(out / ANSWERS).to_pylist() if line["row_id"] in ids]
    if params.for_judge:
        write_for_judge(out, lines)
    if params.with_other:
        from stillhouse.rounds.tfidf import by_tfidf

        learnt = texts_of_examples(call.folder("filter") / "train.jsonl", params.seed)
        write_opinions(out / OTHERS, by_tfidf(learnt, pool, params.skill, params.labels, params.seed))
    return StudentAnswersSummary(pool=len(pool), validation=pq.read_metadata(out / VALIDATION).num_rows)


def _answer(call: StageCall[AskStudentParams], asked: Path) -> None:
    """Have the student answer the rows in the file `asked`, and the validation rows, into the call's folder."""
    params, out, validation = call.params, call.work.folder, str(call.folder("split") / "validation.parquet")
    given: dict[str, Any] = {
        "skill": params.skill,
        "labels": params.labels,
        "evaluation": params.evaluation,
        "test": str(asked),
        "validation": validation,
        "out": str(out),
    }
    if params.candidate is None:
        encoder = EncoderEvaluateSpec(role=ModelRole.STUDENT, folder=str(call.folder("student")), **given)
        run_engine_worker(call, Worker.EVALUATE_ENCODER, encoder, EvaluateSummary)
        return
    answers = out / "answers"
    answers.mkdir()
    spec = EvaluateSpec(
        candidates=(params.candidate,),
        teacher=params.teacher,
        prior=None,
        examples=None,
        answers=str(answers),
        **given,
    )
    run_engine_worker(call, Worker.EVALUATE, spec, EvaluateSummary, environment_for(params.candidate.engine))
    shutil.rmtree(answers)


def ask_main_student(
    run: Run, rows: Rows, dataset: Built[FilterSummary], asked: list[ArtifactRef], student: StudentModel, pool: int
) -> Built[StudentAnswersSummary]:
    """Return a trained student's answers to prompts not asked yet, and to the validation rows."""
    recipe, rounds, evaluation = run.recipe, run.recipe.rounds, run.recipe.evaluation
    assert rounds is not None, "only rounds are scored"
    candidate = None
    if not student.is_encoder:
        # the last: before the students stands their base without training
        found = student_candidates(recipe, student.base, {ModelRole.STUDENT: str(run.store.fetch(student.ref))})[-1]
        candidate = found.model_copy(update={"is_timed": False})
    params = AskStudentParams(
        skill=recipe.skill,
        labels=rows.labels,
        skip_labelled=recipe.training.use_references,
        pool=pool,
        with_other=rounds.choose == "disagreement",
        for_judge=rounds.choose == "judged_wrong",
        seed=rounds.seed,
        asked={
            "max_tokens": evaluation.max_tokens,
            "dtype": evaluation.student_dtype,
            "engine": evaluation.engine.measured_identity,
        },
        evaluation=evaluation,
        teacher=recipe.teacher,
        candidate=candidate,
    )
    inputs = {**rows.inputs, **before(asked), "filter": dataset.ref, "student": student.ref}
    return run.build(ask_student, inputs, params, label=f"ask_student round {len(asked)}")
