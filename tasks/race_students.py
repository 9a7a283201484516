"""Trains quick students on what each contestant of a race has to teach, and has them answer the validation rows."""

from collections.abc import Sequence

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.data.row import prompt_text
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.encoder.files import EncoderFiles
from stillhouse.racing.answers import write_answers
from stillhouse.racing.slices import read_gold
from stillhouse.skills.registry import AnySkill
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.race_slice import SliceRows


class RaceStudentsParams(Params):
    """What learns, how many of them, and by which seed their halves are drawn."""

    skill: AnySkill
    labels: tuple[str, ...]
    encoder: EncoderFiles | None  # None: TF-IDF
    draws: int
    seed: int


class RaceStudentsSummary(StageSummary):
    """Students that were trained, and validation rows that each answered."""

    students: int
    rows: int


@stage("race_students", version=1)
def race_students(call: StageCall[RaceStudentsParams]) -> RaceStudentsSummary:
    """Write answers.parquet: what each student of each contestant answers to the validation rows."""
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
    from stillhouse.racing.quick_students import answers_of_students, read_lesson

    params, inputs = call.params, [name for name in call.inputs if name.startswith("lesson_")]
    ordered = sorted(inputs, key=lambda name: int(name.removeprefix("lesson_")))
    gold = read_gold(call.folder("gold"), params.skill)
    folders = [call.folder(f"prompts_{name.removeprefix('lesson_')}") for name in ordered]
    prompts = [pq.read_table(folder / "prompts.parquet")["row_id"].to_pylist() for folder in folders]
    found = answers_of_students(
        [read_lesson(call.folder(name) / "train.jsonl") for name in ordered],
        prompts,
        [prompt_text(row["messages"]) for row in gold],
        draws=params.draws,
        seed=params.seed,
        encoder=SentenceEncoder(params.encoder) if params.encoder else None,
        names=params.labels,
    )
    write_answers(call.work.folder, found)
    return RaceStudentsSummary(students=sum(map(len, found)), rows=len(gold))


def train_quick_students(
    run: Run,
    lessons: Sequence[tuple[SliceRows, Built[FilterSummary]]],
    encoder: EncoderFiles | None,
    draws: int,
    seed: int,
    label: str,
) -> Built[RaceStudentsSummary]:
    """Return the answers of the students of each contestant, by the slice and the training rows of each.

    Raises:
        ModelError: the encoder can't be used.
    """
    recipe, (first, _) = run.recipe, lessons[0]
    params = RaceStudentsParams(skill=recipe.skill, labels=first.labels, encoder=encoder, draws=draws, seed=seed)
    inputs = {"gold": first.drawn.ref}
    for at, (rows, dataset) in enumerate(lessons):
        inputs |= {f"prompts_{at}": rows.drawn.ref, f"lesson_{at}": dataset.ref}
    return run.build(race_students, inputs, params, label=label)
