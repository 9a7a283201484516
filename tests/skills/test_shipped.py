"""The shipped recipes on their own data, from the files to a score: the whole pipeline without models."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from stillhouse.completions.table import ANSWER_SCHEMA
from stillhouse.data.balance import balance
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.validate import validate
from stillhouse.dataset.build import write_dataset
from stillhouse.dataset.spec import DatasetSpec
from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.recipe.load import RECIPES, load_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.method import method_statements
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from stillhouse.students.tokens import read_rows
from stillhouse.teachers.prompting import Prompter

KINDS = ["nli", "qa", "math", "summarization", "conversation"]
# what a good teacher answers to any row of that kind
SAID = {
    "nli": "neutral",
    "qa": "Answer: the third one.",
    "math": "So 2 * 3 = 6.\n#### 6",
    "summarization": "Summary: The town has news.",
    "conversation": "Let me see what I can do.",
}


def prepared(recipe: Recipe, folder: Path) -> tuple[tuple[str, ...], Path]:
    folders = {}
    for role in ("train", "examples", "test"):
        source = getattr(recipe.data, role)
        if source is not None:
            folders[role] = folder / role
            read(source, resolve(source), role, folder / role, is_dialogue=recipe.skill.is_dialogue)  # type: ignore[arg-type]
    summary = validate(folders, recipe.data, recipe.skill, folder / "valid")
    assert not summary.dropped, "nothing of what is shipped is spoilt"
    splits = split(folder / "valid", recipe.data, recipe.data.test is not None, folder / "split")
    assert not splits.dropped
    balance(folder / "split", recipe.data.balance, folder / "balance")
    return summary.labels, folder / "split"


def read_as(recipe: Recipe, text: str) -> str | None:
    return recipe.skill.parse(text, recipe.skill.known_labels)


def test_shipped_recipes_load():
    names = {path.stem for path in RECIPES.glob("*.yaml")}
    assert {"demo", *KINDS} <= names
    for name in names:
        recipe = load_recipe(name)
        assert recipe.evaluation.metrics
        # as a worker's spec carries it
        assert TypeAdapter(AnySkill).validate_json(recipe.skill.model_dump_json()) == recipe.skill


@pytest.mark.parametrize("kind", KINDS)
def test_shipped_recipe_gives_training_examples_and_a_score(kind, tmp_path):
    import pyarrow as pa

    recipe = load_recipe(kind)
    labels, sides = prepared(recipe, tmp_path)
    cases = read_cases(tmp_path / "balance" / "train.parquet", recipe.skill)
    prompts = list(
        Prompter(recipe.teacher, recipe.skill, labels, read_cases(sides / "examples.parquet", recipe.skill)).prompts(
            cases
        )
    )
    assert len(prompts) == len(cases) > 10
    answers = [
        dict.fromkeys(ANSWER_SCHEMA.names)
        | {"row_id": row["id"], "sample_index": 0, "key": row["id"], "text": SAID[kind], "finish_reason": "stop"}
        | {"prompt_tokens": 9, "completion_tokens": 9, "cumulative_logprob": -0.1, "teacher": "t"}
        for row in cases
    ]
    pq.write_table(pa.Table.from_pylist(answers, schema=ANSWER_SCHEMA), tmp_path / "answers.parquet")
    counts = write_dataset(
        DatasetSpec(filters=recipe.filters, skill=recipe.skill, labels=labels, calibration="none", use_references=True),
        train=tmp_path / "balance" / "train.parquet",
        split=sides,
        completions=tmp_path / "answers.parquet",
        out=tmp_path,
    )
    examples = read_cases(sides / "examples.parquet", recipe.skill)
    assert counts.kept == len(cases)
    assert len(read_rows(tmp_path / "train.jsonl")) == len(cases) + len(examples) == counts.rows.train
    test = read_cases(sides / "test.parquet", recipe.skill)
    references = [row["references"] for row in test]
    perfect = quality(
        [read_as(recipe, accepted[0]) for accepted in references],
        Scoring(references, labels, recipe.evaluation, recipe.skill),
    )
    # no shipped row calls a tool, and calls are measured on rows that do
    assert set(perfect) == {name for name in recipe.evaluation.metrics if not name.startswith("tool_call")}
    assert all(found["value"] == pytest.approx(1.0) for found in perfect.values())
    assert (
        quality([None] * len(references), Scoring(references, labels, recipe.evaluation, recipe.skill))[
            recipe.evaluation.metrics[0]
        ]["value"]
        == 0.0
    )
    assert all(method_statements(recipe).values())
