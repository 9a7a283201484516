"""The stage of the ways without a model: from which rows it learns, and which it answers."""

from collections.abc import Sequence

import pyarrow.parquet as pq
import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.data.row import Row
from stillhouse.data.turns import write_rows
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks.orchestration.run import Run
from tasks.text_alternatives import TextAlternativesParams, text_alternatives
from tests.support.builders import make_recipe_fields, make_row

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]

TRAIN = [make_row("t1", "The pool shuts.", text="pool repairs in March"), make_row("t2", text="unlabelled bread")]
EXAMPLES = [make_row("e1", "Fresh bread at five.", text="the bakery has bread")]
# its own summaries must not be learnt from
TEST = [
    make_row("r1", "secret one", text="bread from the new bakery is cheap"),
    make_row("r2", "secret two", text="the pool has repairs"),
]


def put(store: Store, stage: str, **files: Sequence[Row]) -> ArtifactRef:
    with store.workspace(stage, 1, stage, {}, {}) as work:
        for name, rows in files.items():
            write_rows(work.folder / f"{name}.parquet", rows)
        work.commit({})
    return ArtifactRef(stage=stage, fingerprint=stage)


@pytest.mark.parametrize(
    ("kind", "models"),
    [("summarization", ["nearest_labelled_answer", "opening_of_text"]), ("qa", ["nearest_labelled_answer"])],
)
def test_text_alternatives_learn_from_all_labelled_rows_and_answer_the_test_rows(
    kind: str, models: list[str], settings: Settings
):
    store = open_store(settings.store)
    inputs = {
        "balance": put(store, "balance", train=TRAIN),
        "split": put(store, "split", examples=EXAMPLES, test=TEST),
    }
    recipe = parse_recipe(make_recipe_fields(skill={"kind": kind}))
    with Run(recipe, settings, frozenset(), id="texts") as run:
        built = run.build(text_alternatives, inputs, TextAlternativesParams(skill=recipe.skill, timed=(0, 1, 5)))
    answers = pq.read_table(store.path(built.ref, "answers.parquet")).to_pylist()
    found = {(line["model"], line["row_id"]): line["answer"] for line in answers}
    assert list(built.summary.models) == models
    # three words in the one and four in the other: the median is 3.5, and 4 as round takes it
    expected = {
        ("nearest_labelled_answer", "r1"): "Fresh bread at five.",
        ("nearest_labelled_answer", "r2"): "The pool shuts.",
        ("opening_of_text", "r1"): "bread from the new",
        ("opening_of_text", "r2"): "the pool has repairs",
    }
    assert found == {key: answer for key, answer in expected.items() if key[0] in models}
