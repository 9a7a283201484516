import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.data.column_inference import infer_columns
from stillhouse.data.recipe_draft import draft_recipe, yaml_scalar
from stillhouse.errors import DataError
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.recipe import Recipe

WORDS = ["my card is lost", "where is my card", "top up failed today", "the app shows an error", "please close it all"]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def rows(count: int = 40, **columns: Any) -> list[dict[str, Any]]:
    return [
        {"key": f"k{i}", "said": f"{WORDS[i % 5]} number {i}"}
        | {name: value(i) if callable(value) else value for name, value in columns.items()}
        for i in range(count)
    ]


def drafted(train: str, beside: Path, labelled: str = "", test: str = "") -> tuple[Recipe, str]:
    text = draft_recipe(train, labelled, test, None, beside)
    return parse_recipe(yaml.safe_load(text)), text


def test_draft_recipe_labelled_train_names_its_columns_and_labels(tmp_path):
    path = jsonl(tmp_path / "My Data.jsonl", rows(intent=lambda i: ["lost", "topup"][i % 2], channel="web"))
    recipe, text = drafted(path, tmp_path)
    columns = recipe.data.train.columns
    assert (columns.text, columns.label, columns.id, columns.reference) == ("said", "intent", "key", None)
    assert recipe.skill.labels == ("lost", "topup")
    assert (recipe.name, recipe.data.train.path) == ("my-data", "My Data.jsonl")
    assert "the other columns: channel" in text
    assert recipe.teacher.prompt.examples == 0


def test_draft_recipe_labels_come_from_the_labelled_rows_and_train_stays_unlabelled(tmp_path):
    train = jsonl(tmp_path / "train.jsonl", rows(channel=lambda i: ["web", "phone"][i % 2]))
    labelled = jsonl(tmp_path / "few.jsonl", [{"text": word, "label": f"l{i % 3}"} for i, word in enumerate(WORDS)])
    test = jsonl(tmp_path / "gold.jsonl", [{"text": word, "label": f"l{i % 4}"} for i, word in enumerate(WORDS)])
    recipe, text = drafted(train, tmp_path, labelled, test)
    assert recipe.data.train.columns.label is None
    assert recipe.data.examples.columns.label == recipe.data.test.columns.label == "label"
    assert recipe.skill.labels == ("l0", "l1", "l2", "l3")
    assert recipe.teacher.prompt.examples > 0
    assert "REQUIRED" not in text


def test_draft_recipe_without_any_label_says_what_is_required(tmp_path):
    recipe, text = drafted(jsonl(tmp_path / "train.jsonl", rows()), tmp_path)
    assert recipe.skill.labels == ()
    assert "REQUIRED: train has no labels" in text
    assert "no label column was found" in text


def test_draft_recipe_labels_beyond_the_first_rows_are_found(tmp_path):
    found = rows(600, label=lambda i: f"label {i // 150}")
    recipe, _ = drafted(jsonl(tmp_path / "sorted.jsonl", found), tmp_path)
    assert recipe.skill.labels == tuple(f"label {i}" for i in range(4))


def test_draft_recipe_paths_are_relative_to_its_folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    jsonl(tmp_path / "in" / "train.jsonl", rows(label=lambda i: "ab"[i % 2]))
    monkeypatch.chdir(tmp_path / "in")
    (tmp_path / "out" / "recipe.yaml").write_text(draft_recipe("train.jsonl", "", "", None, tmp_path / "out"))
    monkeypatch.chdir("/")
    assert load_recipe(str(tmp_path / "out" / "recipe.yaml")).data.train.path == str(tmp_path / "in" / "train.jsonl")


def test_draft_recipe_csv_with_messages_and_broken_lines(tmp_path):
    turns = json.dumps([{"role": "user", "content": "hi there"}])
    with (tmp_path / "chat.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["turns", "topic"])
        writer.writerows([turns, f"t{i % 2}"] for i in range(10))
        writer.writerow(["one cell"])
    recipe, _ = drafted(str(tmp_path / "chat.csv"), tmp_path)
    assert (recipe.data.train.columns.messages, recipe.data.train.columns.label) == ("turns", "topic")


def test_draft_recipe_holds_no_rows_content(tmp_path):
    secret = jsonl(tmp_path / "train.jsonl", rows(label=lambda i: "ab"[i % 2], mail="someone@example.org"))
    _, text = drafted(secret, tmp_path)
    assert "someone@" not in text
    assert not any(word in text for word in WORDS)


def test_draft_recipe_every_field_line_is_explained_or_a_list_item(tmp_path):
    _, text = drafted(jsonl(tmp_path / "train.jsonl", rows(label=lambda i: "ab"[i % 2])), tmp_path)
    for part in ("skill", "data", "teachers", "filters", "student", "training", "evaluation", "gate"):
        assert any(line.startswith(f"{part}:") for line in text.splitlines()), part
    assert text.count("SET:") == 2


def test_draft_recipe_without_a_prompt_column_names_what_is_there(tmp_path):
    path = jsonl(tmp_path / "train.jsonl", [{"id": i, "score": i / 2} for i in range(5)])
    with pytest.raises(DataError, match=r"no column that looks like a prompt; its columns are 'id', 'score'"):
        drafted(path, tmp_path)


@pytest.mark.parametrize("content", ["", "not json\n[1]\n"])
def test_draft_recipe_without_a_record_is_refused(tmp_path, content):
    (tmp_path / "train.jsonl").write_text(content)
    with pytest.raises(DataError, match="no readable record"):
        drafted(str(tmp_path / "train.jsonl"), tmp_path)


def test_draft_recipe_absent_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="No data found"):
        drafted(str(tmp_path / "absent.jsonl"), tmp_path)


AWKWARD = [
    "yes",
    "no",
    "1",
    "null",
    "a: b",
    "x #y",
    "line\nbreak",
    'q"u',
    "[x]",
    "{labels}",
    "ü ö",
    "-",
    " lead",
    "😀",
    "\x7f",
    "~",
]


@pytest.mark.parametrize("value", AWKWARD)
def test_yaml_scalar_reads_back_as_the_same_text_on_one_line(value):
    shown = yaml_scalar(value)
    assert yaml.safe_load(f"a: {shown} # note") == {"a": value}
    assert yaml.safe_load(f"[{shown}]") == [value]
    assert "\n" not in shown


def test_draft_recipe_awkward_labels_and_columns_load(tmp_path):
    found = [
        {"line\nbreak # col": f"{WORDS[i % 5]} number {i}", "label": value.strip() or "blank", "other: {x}": i}
        for i, value in enumerate(AWKWARD * 3)
    ]
    recipe, _ = drafted(jsonl(tmp_path / "train.jsonl", found), tmp_path)
    assert recipe.skill.labels == tuple(sorted({value.strip() for value in AWKWARD}))
    assert recipe.data.train.columns.text == "line\nbreak # col"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        # names come before looks
        ({"text": "short", "body_copy": "a much longer prose column"}, {"text": "text"}),
        # two candidates without a telling name: none is taken
        ({"text": "hello", "one": lambda i: i % 2 * "x" + "a", "two": lambda i: i % 3 * "y" + "b"}, {"text": "text"}),
        # one candidate is
        ({"text": "hello", "queue": lambda i: "ab"[i % 2]}, {"text": "text", "label": "queue"}),
        # an id must tell rows apart
        ({"text": "hello", "id": 7}, {"text": "text"}),
        # a reference only without a label
        ({"text": "hello", "answer": lambda i: f"answer {i}"}, {"text": "text", "reference": "answer"}),
        (
            {"text": "hello", "answer": lambda i: f"the {i}", "label": lambda i: i % 2},
            {"text": "text", "label": "label"},
        ),
        ({"score": 0.5}, {}),
    ],
)
def test_infer_columns_names_decide_then_values(columns, expected):
    records = [{name: value(i) if callable(value) else value for name, value in columns.items()} for i in range(40)]
    assert infer_columns(records) == expected


def test_draft_recipe_uncommented_cost_and_budget_lines_load(tmp_path):
    _, text = drafted(jsonl(tmp_path / "train.jsonl", rows(label=lambda i: "ab"[i % 2])), tmp_path)
    for name in ("price", "costs", "budget"):
        assert f"# {name}: {{" in text
        text = text.replace(f"# {name}: {{", f"{name}: {{")
    recipe = parse_recipe(yaml.safe_load(text))
    assert recipe.teacher.price is not None
    assert recipe.costs.serving_usd_per_hour == 0.4
    assert recipe.budget.usd == 20
