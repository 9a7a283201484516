import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from stillhouse.data.columns import map_row, named_columns
from stillhouse.data.formats import InvalidRecord
from stillhouse.errors import RecipeError
from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.evaluation.significance import confusion
from stillhouse.recipe.data import Columns
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.load import parse_recipe
from stillhouse.skills.nli import Nli
from stillhouse.skills.prompts import TeacherPrompt
from tests.support.builders import make_recipe_fields
from tests.support.paths import SHARED_DATA

NLI = Nli(kind="nli")
LABELS = ("entailment", "neutral", "contradiction")
COLUMNS = Columns(premise="p", hypothesis="h", label="truth")
PAIR = "Premise: A man sings.\nHypothesis: Someone makes music."


def mapped(record: dict):
    return map_row(record, COLUMNS, frozenset(named_columns(COLUMNS).values()))


def recipe(**changes) -> dict:
    content = make_recipe_fields()
    content["data"]["train"]["columns"] = {"premise": "p", "hypothesis": "h"}
    return content | {"skill": {"kind": "nli"}} | changes


def test_map_row_pair_becomes_one_user_turn_and_the_label_its_reference():
    _, _, messages, references, label, meta, _ = mapped(
        {"p": "A man sings.", "h": "Someone makes music.", "truth": "entailment", "from": "x"}
    )
    assert messages == [{"role": "user", "content": PAIR}]
    assert (references, label) == (["entailment"], "entailment")
    assert json.loads(meta) == {"from": "x"}


@pytest.mark.parametrize(("record", "reason"), [({"p": "a"}, "missing_column"), ({"p": "a", "h": 3}, "wrong_type")])
def test_map_row_premise_or_hypothesis_alone_is_refused(record, reason):
    with pytest.raises(InvalidRecord) as caught:
        mapped(record)
    assert caught.value.reason == reason


def test_teacher_messages_have_the_labels_and_the_pair():
    turns = NLI.teacher_messages([{"role": "user", "content": PAIR}], TeacherPrompt(), LABELS, [])
    assert "entailment, neutral, contradiction" in turns[0]["content"]
    assert turns[1] == {"role": "user", "content": PAIR}
    assert NLI.constraint(LABELS) == {"choice": list(LABELS)}
    assert NLI.parse("Contradiction.", LABELS) == "contradiction"
    assert NLI.parse("It contradicts", LABELS) is None


def test_recipe_of_kind_nli_takes_labels_metrics_and_columns():
    found = parse_recipe(recipe())
    assert found.skill.labels == LABELS
    assert found.evaluation.metrics == ("accuracy", "macro_f1")
    assert type(found.skill) is Nli
    own = parse_recipe(recipe(skill={"kind": "nli", "labels": ["yes", "no"]}))
    assert own.skill.labels == ("yes", "no")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"skill": {"kind": "nlu"}},
            r"skill\.kind: 'nlu' is not a skill; known: classification, conversation, math, nli, qa, summarization\."
            r".* mean 'nli'",
        ),
        ({"skill": {"kind": "nli", "lables": ["a", "b"]}}, r"skill\.lables: unknown field\. Did you mean 'labels'"),
        ({"skill": {"kind": "nli", "labels": ["a"]}}, r"skill\.labels: \['a'\] is refused: one class only"),
        (
            {"skill": {"labels": ["a", "b"]}},
            r"refused:\n  - data\.train\.columns names `premise` and `hypothesis`, for skill nli only: "
            r"leave out, or set the kind; skill\.kind is classification\.$",
        ),
        ({"skill": 3}, "skill: 3 is refused"),
    ],
)
def test_recipe_of_kind_nli_wrong_field_is_one_line(change, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe(recipe(**change))


@pytest.mark.parametrize(
    "columns", [{"premise": "p"}, {"hypothesis": "h"}, {"text": "t", "premise": "p", "hypothesis": "h"}, {}]
)
def test_columns_without_exactly_one_prompt_are_refused(columns):
    with pytest.raises(ValueError, match=r"need each other|name exactly one"):
        Columns(**columns)


def test_quality_on_public_pairs_equals_scikit_learns():
    path = SHARED_DATA / "nli_sick" / "trial.jsonl"
    if not path.is_file():
        pytest.skip(f"the public pairs are not at {path}")
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    references = [row["label"] for row in rows]
    # a fake model that decides by one word, with some unreadable answers
    rng = np.random.default_rng(0)
    answers = [None if rng.random() < 0.1 else ("contradiction" if " no " in str(row) else "neutral") for row in rows]
    settings = Evaluation(resamples=200, metrics=("accuracy", "macro_f1"))
    found = quality(answers, Scoring([[label] for label in references], LABELS, settings, NLI))
    shown = [answer or "?" for answer in answers]
    assert found["accuracy"]["value"] == pytest.approx(
        np.mean([a == b for a, b in zip(shown, references, strict=True)])
    )
    assert found["macro_f1"]["value"] == pytest.approx(f1_score(references, shown, labels=LABELS, average="macro"))
    assert 0.2 < found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"] < 0.8
    counts = np.array(confusion(answers, references, LABELS)["matrix"])
    assert (counts == confusion_matrix(references, shown, labels=[*LABELS, "?"])).all()
