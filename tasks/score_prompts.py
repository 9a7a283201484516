"""Has a round's cheap student, logistic regression on a frozen encoder, say how sure it is of prompts not asked yet."""

from pathlib import Path

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.data.row import Row
from stillhouse.dataset.second_opinion import write_opinions
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.alternatives.texts import texts_of_examples
from stillhouse.evaluation.evidence import ANSWERS, VALIDATION, write_answers
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.encoder.files import EncoderFiles, find_encoder
from stillhouse.rounds.draw import in_random_order
from stillhouse.rounds.student_answers import OTHERS
from stillhouse.skills.cases import read_cases, read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from tasks.asking.asked import asked_before, before
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class ScoreParams(Params):
    """The encoder, and which prompts it is asked."""

    skill: AnySkill
    labels: tuple[str, ...]
    encoder: EncoderFiles
    skip_labelled: bool
    pool: int  # prompts at most; 0: none, after the last round
    with_other: bool  # also regression on TF-IDF, to see where the two differ
    seed: int


class StudentAnswersSummary(StageSummary):
    """Prompts not asked yet that a round's student answered, and validation rows."""

    pool: int
    validation: int


@stage("score_prompts", version=1)
def score_prompts(call: StageCall[ScoreParams]) -> StudentAnswersSummary:
    """Write answers.parquet and validation.parquet, how probable a regression on a frozen encoder finds each label."""
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.evaluation.alternatives.opinions import label_opinions
    from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
    from stillhouse.rounds.tfidf import by_tfidf, student_texts

    params, split, out = call.params, call.folder("split"), call.work.folder
    train, _ = read_splits(call.folder("balance"), split, params.skill)
    pool = pool_of(rows_to_ask(train, params.skip_labelled), asked_before(call), params.pool, params.seed)
    validation = read_cases(split / "validation.parquet", params.skill)
    learnt = texts_of_examples(call.folder("filter") / "train.jsonl", params.seed)
    encoder = SentenceEncoder(params.encoder)
    texts = student_texts([*pool, *validation], params.skill, params.labels)
    found = label_opinions(learnt, params.labels, texts, encoder, params.seed)
    _write(out / ANSWERS, pool, found[: len(pool)], params.labels)
    _write(out / VALIDATION, validation, found[len(pool) :], params.labels)
    if params.with_other:
        write_opinions(out / OTHERS, by_tfidf(learnt, pool, params.skill, params.labels, params.seed))
    return StudentAnswersSummary(pool=len(pool), validation=len(validation))


def pool_of(rows: list[Row], asked: frozenset[str], most: int, seed: int) -> list[Row]:
    """Return up to `most` of the rows that were not asked yet, each id once, drawn at random."""
    by_id = {row["id"]: row for row in rows if row["id"] not in asked}
    return [by_id[one] for one in in_random_order(by_id, seed, "pool")[:most]]


def score_by_encoder(
    run: Run, rows: Rows, dataset: Built[FilterSummary], asked: list[ArtifactRef], pool: int
) -> Built[StudentAnswersSummary]:
    """Return what a regression on the encoder, taught what there is by now, says of prompts not asked yet.

    Raises:
        ModelError: the encoder can't be used.
    """
    recipe, rounds = run.recipe, run.recipe.rounds
    assert rounds is not None, "only rounds are scored"
    encoder = find_encoder(recipe.evaluation.encoder)
    assert encoder is not None, "a run without the encoder is refused before work"
    params = ScoreParams(
        skill=recipe.skill,
        labels=rows.labels,
        encoder=encoder,
        skip_labelled=recipe.training.use_references,
        pool=pool,
        with_other=rounds.choose == "disagreement",
        seed=rounds.seed,
    )
    inputs = {**rows.inputs, **before(asked), "filter": dataset.ref}
    return run.build(score_prompts, inputs, params, label=f"score_prompts round {len(asked)}")


def _write(path: Path, rows: list[Row], found: list[list[float]], labels: tuple[str, ...]) -> None:
    lines = []
    for row, logprobs in zip(rows, found, strict=True):
        answer = labels[logprobs.index(max(logprobs))]
        known = {"answer": answer, "text": answer, "logprob": max(logprobs), "label_logprobs": logprobs}
        lines.append({"model": ModelRole.STUDENT, "row_id": row["id"], **known})
    write_answers(path, lines)
