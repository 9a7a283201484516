"""Asks a classifier that learnt from the labelled rows about every prompt that the teacher answers."""

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.data.row import prompt_text
from stillhouse.dataset.second_opinion import OPINIONS, TEST_OPINIONS, write_opinions
from stillhouse.errors import DataError
from stillhouse.inference.encoder.files import EncoderFiles, find_encoder
from stillhouse.skills.cases import read_cases, read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.labelled_texts import read_labelled
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class SecondOpinionParams(Params):
    """The encoder, and which rows a teacher answers."""

    skill: AnySkill
    labels: tuple[str, ...]
    seed: int
    encoder: EncoderFiles
    use_references: bool  # rows with a reference are not asked about


class SecondOpinionSummary(StageSummary):
    """Labelled texts that the classifier learnt from, without the labels' names, and prompts it was asked about."""

    learnt: int
    asked: int


@stage("second_opinion", version=2)
def second_opinion(call: StageCall[SecondOpinionParams]) -> SecondOpinionSummary:
    """Write how probable a classifier on the labelled rows finds each label: opinions.parquet of the prompts that a
    teacher answers, test_opinions.parquet of the test rows.
    """
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.evaluation.alternatives.opinions import label_opinions
    from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder

    params, balance, split = call.params, call.folder("balance"), call.folder("split")
    labelled = read_labelled(balance, split, params.skill, params.seed)
    if why := labelled.why_not("labels"):
        raise DataError(f"second_opinion: {why}. Add labelled rows to data.examples, or leave second_opinion out.")
    asked = [
        row for part in read_splits(balance, split, params.skill) for row in rows_to_ask(part, params.use_references)
    ]
    rows = [*asked, *read_cases(split / "test.parquet", params.skill)]
    texts = [prompt_text(row["messages"]) for row in rows]
    found = label_opinions(labelled, params.labels, texts, SentenceEncoder(params.encoder), params.seed)
    named = [(row["id"], one) for row, one in zip(rows, found, strict=True)]
    write_opinions(call.work.folder / OPINIONS, dict(named[: len(asked)]))
    write_opinions(call.work.folder / TEST_OPINIONS, dict(named[len(asked) :]))
    return SecondOpinionSummary(learnt=len(labelled.texts), asked=len(asked))


def form_second_opinion(run: Run, rows: Rows) -> Built[SecondOpinionSummary] | None:
    """Return the classifier's opinion of every prompt; None if the recipe wants none.

    No teacher's answer is an input, so another teacher leaves it as it is.

    Raises:
        DataError: the labelled rows are of fewer than two labels.
        ModelError: the encoder can't be used.
    """
    recipe = run.recipe
    if recipe.second_opinion is None:
        return None
    encoder = find_encoder(recipe.evaluation.encoder)
    assert encoder is not None, "a run without the encoder is refused before work"
    params = SecondOpinionParams(
        skill=recipe.skill,
        labels=rows.labels,
        seed=recipe.evaluation.seed,
        encoder=encoder,
        use_references=recipe.training.use_references,
    )
    return run.build(second_opinion, rows.inputs, params)
