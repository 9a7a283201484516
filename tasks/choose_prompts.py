"""Chooses the prompts that a teacher is asked in one of several rounds."""

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.data.row import Row
from stillhouse.evaluation.evidence import ANSWERS
from stillhouse.judging.scores import read_scores
from stillhouse.rounds.choose import Choice, Told, first_prompts, next_prompts
from stillhouse.rounds.student_answers import OTHERS, read_others, score_keys
from stillhouse.skills.cases import read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.spec import write_row_ids
from tasks.asking.asked import asked_before, before
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class ChooseParams(Params):
    """Which rows are prompts, and how they are chosen."""

    skill: AnySkill
    skip_labelled: bool
    choice: Choice


class ChoosePromptsSummary(StageSummary):
    """Training prompts there are, those chosen now, and those that are left; and validation prompts chosen."""

    prompts: int
    chosen: int
    left: int
    validation: int


@stage("choose_prompts", version=1)
def choose_prompts(call: StageCall[ChooseParams]) -> ChoosePromptsSummary:
    """Write prompts.parquet, the ids of the prompts of one round."""
    params = call.params
    train, validation = (
        rows_to_ask(part, params.skip_labelled)
        for part in read_splits(call.folder("balance"), call.folder("split"), params.skill)
    )
    ids = list(dict.fromkeys(row["id"] for row in train))
    asked = asked_before(call)
    others = [] if asked else list(dict.fromkeys(row["id"] for row in validation))
    chosen = _next(call, train, asked) if asked else first_prompts(ids, params.choice)
    write_row_ids([*chosen, *others], call.work.folder)
    left = len(ids) - len(asked.intersection(ids)) - len(chosen)
    return ChoosePromptsSummary(prompts=len(ids), chosen=len(chosen), left=left, validation=len(others))


def _next(call: StageCall[ChooseParams], train: list[Row], asked: frozenset[str]) -> list[str]:
    """Return the prompts that a round after the first asks, by what the student of the one before says of them."""
    params, told = call.params, Told()
    if "student" in call.inputs:
        student = call.folder("student")
        answers = {line["row_id"]: line for line in pq.read_table(student / ANSWERS).to_pylist()}
        by_key = read_scores(call.folder("judge") / "scores.parquet") if "judge" in call.inputs else {}
        scores = {row_id: by_key[key] for row_id, key in score_keys(student).items() if key in by_key}
        told = Told(answers, read_others(student / OTHERS), scores)
    texts = {row["id"]: params.skill.as_text(row["messages"]) for row in train}
    return next_prompts([row["id"] for row in train], asked, told, texts, params.choice)


def choose_for_round(
    run: Run, rows: Rows, asked: list[ArtifactRef], student: ArtifactRef | None, scores: ArtifactRef | None
) -> Built[ChoosePromptsSummary]:
    """Return the prompts of the round after those that `asked` names, by their prompts.

    `student` holds the last round's answers to prompts not asked yet, `scores` a judge's of these.
    """
    recipe, rounds = run.recipe, run.recipe.rounds
    assert rounds is not None, "only a recipe with rounds chooses"
    params = ChooseParams(
        skill=recipe.skill,
        skip_labelled=recipe.training.use_references,
        choice=Choice(
            first=rounds.first,
            num_later=1 if rounds.prompts_per_round else rounds.num_later,
            each=rounds.prompts_per_round,
            choose=rounds.choose if asked else "random",
            unsure_by=rounds.unsure_by,
            max_similarity=rounds.max_similarity,
            seed=rounds.seed,
        ),
    )
    inputs = {**rows.inputs, **before(asked), "student": student, "judge": scores}
    return run.build(choose_prompts, inputs, params, label=f"choose_prompts round {len(asked) + 1}")
